/** One TCP connection of the generator, dialled when a request needs it. */
import { constants } from 'node:os';
import type { Client, Outcomes, Session } from './client.ts';
import { close, connect, errno, errnoName, setNoDelay, socket, SOCKET_TYPE } from './libc.ts';
import { PolledSocket, type NativeAddress, type Polling } from './socket.ts';

const { EINPROGRESS } = constants.errno;

/** What all connections of a run share. */
export interface Dialling extends Polling {
  readonly address: NativeAddress;
  readonly client: Client;
  readonly outcomes: Outcomes;
}

/** A connection by its index, dialled as often as needed. */
export class Connection {
  readonly #shared: Dialling;
  readonly #socket: PolledSocket;
  /** Of the last connection, which may have ended. */
  #session: Session | undefined;
  /** Requests were given to the session since its last `flush`. */
  #gathers = false;

  constructor(shared: Dialling, index: number) {
    this.#shared = shared;
    this.#socket = new PolledSocket(shared, index);
  }

  /** Whether there is a connection, or one is being dialled. */
  get open(): boolean {
    return this.#socket.open;
  }

  /** Bytes received so far. */
  get received(): number {
    return this.#socket.received;
  }

  /** Dials without waiting; undefined, or why it cannot be, as "dial EMFILE". */
  dial(): string | undefined {
    const { address, client, outcomes } = this.#shared;
    const fd = socket(address.family, SOCKET_TYPE, 0);
    if (fd < 0) return `dial ${errnoName(errno())}`;
    setNoDelay(fd);
    if (connect(fd, address.pointer, address.bytes.length) !== 0) {
      const number = errno();
      if (number !== EINPROGRESS) {
        close(fd);
        return `dial ${errnoName(number)}`;
      }
    }
    this.#session = client.createSession(this.#socket, outcomes);
    this.#socket.attach(fd, this.#session);
    return undefined;
  }

  /** Gives the open connection a request; false when it already has one that awaits `flush`. */
  send(ticket: number, shape: number): boolean {
    const first = !this.#gathers;
    this.#gathers = true;
    this.#session?.send(ticket, shape);
    return first;
  }

  /** Sends what was gathered. */
  flush(): void {
    this.#gathers = false;
    if (this.open) this.#session?.flush();
  }

  /** Something happened on the socket. */
  onReady(happened: number): void {
    this.#socket.onReady(happened);
  }

  /** Ends the connection; a request under way ends with `reason`. */
  close(reason: string): void {
    this.#socket.close(reason);
  }
}
