/** One TCP connection of the generator: dials, writes what the kernel takes, reads, ends. */
import { isIP } from 'node:net';
import { constants } from 'node:os';
import type { SocketAddress } from '../../base/settings.ts';
import type { Client, Outcomes, Session, Wire } from './client.ts';
import {
  allocateNative,
  close,
  connect,
  errno,
  errnoName,
  read,
  setNoDelay,
  socket,
  SOCKET_TYPE,
  write,
  type NativeBytes,
} from './libc.ts';
import { READABLE, WRITABLE, type Poller } from './poller.ts';

const { EAGAIN, EINPROGRESS, ENOTCONN } = constants.errno;
const AF_INET = 2;
const AF_INET6 = 10;

/** struct sockaddr_in or sockaddr_in6 of an IP address. Throws for a name. */
export function socketAddress(to: SocketAddress): NativeBytes & { readonly family: number } {
  const version = isIP(to.host);
  if (version === 0) throw new Error(`"${to.host}" is not an IP address`);
  const native = allocateNative(version === 4 ? 16 : 28);
  const family = version === 4 ? AF_INET : AF_INET6;
  native.bytes.writeUInt16LE(family, 0);
  native.bytes.writeUInt16BE(to.port, 2);
  if (version === 4) native.bytes.set(to.host.split('.').map(Number), 4);
  else native.bytes.set(ipv6Bytes(to.host), 8);
  return { ...native, family };
}

const groupsOf = (part: string | undefined): string[] =>
  part === undefined || part === '' ? [] : part.split(':');

function ipv6Bytes(host: string): Buffer {
  const [head, tail] = host.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const hex = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new Error(`"${host}" is not a plain IPv6 address`);
  return Buffer.from(hex, 'hex');
}

/** What all connections of a run share. */
export interface Dialling {
  readonly address: ReturnType<typeof socketAddress>;
  readonly poller: Poller;
  readonly client: Client;
  readonly outcomes: Outcomes;
  /** Where bytes are read into: valid until the next read. */
  readonly input: NativeBytes;
}

/** Reads of one event at most, so that one large body does not hold up the others. */
const READS_MAX = 16;

/** A connection by its index, dialled as often as needed. */
export class Connection implements Wire {
  /** Bytes received so far. */
  received = 0;
  readonly #shared: Dialling;
  readonly #index: number;
  #session: Session | undefined;
  #fd = -1;
  #established = false;
  #interest = 0;
  /** What the kernel has not taken yet: `#unsent` bytes from `#unsentPointer`. */
  #unsentPointer = 0n;
  #unsent = 0;
  /** Requests were given to the session since its last `flush`. */
  #gathers = false;

  constructor(shared: Dialling, index: number) {
    this.#shared = shared;
    this.#index = index;
  }

  /** Whether there is a connection, or one is being dialled. */
  get open(): boolean {
    return this.#session !== undefined;
  }

  /** Dials without waiting; undefined, or why it cannot be, as "dial EMFILE". */
  dial(): string | undefined {
    const { address, poller, client, outcomes } = this.#shared;
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
    this.#fd = fd;
    this.#established = false;
    this.#unsent = 0;
    this.#interest = READABLE;
    poller.add(fd, READABLE, this.#index);
    this.#session = client.createSession(this, outcomes);
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
    this.#session?.flush();
  }

  write(bytes: NativeBytes, length: number): boolean {
    if (this.#unsent > 0) throw new Error('bytes were written before the last ones had left');
    this.#unsentPointer = bytes.pointer;
    this.#unsent = length;
    this.#write();
    return this.#unsent === 0;
  }

  /** Something happened on the socket. True when more may be there to read than was read. */
  onReady(happened: number): void {
    if (this.#unsent > 0 && (happened & WRITABLE) !== 0) {
      this.#write();
      if (this.#unsent === 0) this.#session?.drained();
    }
    if ((happened & ~WRITABLE) !== 0) this.#receive();
  }

  /** Ends the connection; a request under way ends with `reason`. */
  close(reason: string): void {
    const session = this.#session;
    if (session === undefined) return;
    close(this.#fd);
    this.#fd = -1;
    this.#session = undefined;
    this.#unsent = 0;
    session.end(reason);
  }

  #write(): void {
    const written = write(this.#fd, this.#unsentPointer, this.#unsent);
    if (written === this.#unsent) {
      this.#unsent = 0;
      this.#established = true;
      this.#watch(READABLE);
      return;
    }
    if (written < 0) {
      const number = errno();
      // ENOTCONN or EAGAIN: still being dialled, or the kernel's buffer is full.
      if (number !== EAGAIN && number !== ENOTCONN) return this.close(this.#reason(number));
    } else {
      this.#established = true;
      this.#unsent -= written;
      this.#unsentPointer += BigInt(written);
    }
    this.#watch(READABLE | WRITABLE);
  }

  #watch(interest: number): void {
    if (interest === this.#interest) return;
    this.#interest = interest;
    this.#shared.poller.change(this.#fd, interest, this.#index);
  }

  #receive(): void {
    const { input } = this.#shared;
    const capacity = input.bytes.length;
    for (let reads = 0; reads < READS_MAX; reads++) {
      const session = this.#session;
      if (session === undefined) return;
      const length = read(this.#fd, input.pointer, capacity);
      if (length > 0) {
        this.#established = true;
        this.received += length;
        if (!session.receive(input.bytes, length)) return this.close('malformed');
        // Less than asked for: nothing is left, or the next wait says so.
        if (length < capacity) return;
      } else {
        if (length === 0) return this.close('closed');
        const number = errno();
        if (number !== EAGAIN && number !== ENOTCONN) this.close(this.#reason(number));
        return;
      }
    }
  }

  #reason(number: number): string {
    if (!this.#established) return `dial ${errnoName(number)}`;
    return number === constants.errno.ECONNRESET || number === constants.errno.EPIPE
      ? 'reset'
      : errnoName(number);
  }
}
