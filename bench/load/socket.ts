/** One TCP socket of a poller: writes what the kernel takes, reads, ends. */
import { isIP } from 'node:net';
import { constants } from 'node:os';
import type { SocketAddress } from '../../base/settings.ts';
import type { Reader, Wire } from './client.ts';
import { allocateNative, close, errno, errnoName, read, write, type NativeBytes } from './libc.ts';
import { READABLE, WRITABLE, type Poller } from './poller.ts';

const { EAGAIN, ENOTCONN } = constants.errno;
const AF_INET = 2;
const AF_INET6 = 10;
/** Where struct sockaddr_in and sockaddr_in6 have the port. */
const PORT_AT = 2;

/** An IP address and a port as the kernel reads them. */
export type NativeAddress = NativeBytes & { readonly family: number };

/** struct sockaddr_in or sockaddr_in6 of an IP address. Throws for a name. */
export function socketAddress(to: SocketAddress): NativeAddress {
  const version = isIP(to.host);
  if (version === 0) throw new Error(`"${to.host}" is not an IP address`);
  const native = allocateNative(version === 4 ? 16 : 28);
  const family = version === 4 ? AF_INET : AF_INET6;
  native.bytes.writeUInt16LE(family, 0);
  native.bytes.writeUInt16BE(to.port, PORT_AT);
  if (version === 4) native.bytes.set(to.host.split('.').map(Number), 4);
  else native.bytes.set(ipv6Bytes(to.host), 8);
  return { ...native, family };
}

/** The port that the kernel wrote into an address. */
export const portOf = ({ bytes }: NativeAddress): number => bytes.readUInt16BE(PORT_AT);

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

/** Reads of one event at most, so that one large body does not hold up the others. */
const READS_MAX = 16;

/** What sockets of one poller share. */
export interface Polling {
  readonly poller: Poller;
  /** Where bytes are read into: valid until the next read. */
  readonly input: NativeBytes;
}

/** A socket by its token; after one has ended another may be opened. */
export class PolledSocket implements Wire {
  /** Bytes received so far. */
  received = 0;
  readonly #shared: Polling;
  readonly #token: number;
  #reader: Reader | undefined;
  #fd = -1;
  #established = false;
  #interest = 0;
  /** What the kernel has not taken yet: `#unsent` bytes from `#unsentPointer`. */
  #unsentPointer = 0n;
  #unsent = 0;

  constructor(shared: Polling, token: number) {
    this.#shared = shared;
    this.#token = token;
  }

  /** Whether there is a connection, or one is being dialled. */
  get open(): boolean {
    return this.#reader !== undefined;
  }

  /** `reader` reads the socket `fd`, which does not block, and may still be dialling. */
  attach(fd: number, reader: Reader): void {
    this.#fd = fd;
    this.#established = false;
    this.#unsent = 0;
    this.#interest = READABLE;
    this.#shared.poller.add(fd, READABLE, this.#token);
    this.#reader = reader;
  }

  write(bytes: NativeBytes, length: number): boolean {
    if (this.#unsent > 0) throw new Error('bytes were written before the last ones had left');
    this.#unsentPointer = bytes.pointer;
    this.#unsent = length;
    this.#write();
    return this.#unsent === 0;
  }

  /** Something happened on the socket. */
  onReady(happened: number): void {
    if (this.#unsent > 0 && (happened & WRITABLE) !== 0) {
      this.#write();
      if (this.#unsent === 0) this.#reader?.drained();
    }
    if ((happened & ~WRITABLE) !== 0) this.#receive();
  }

  /** Ends the connection; its reader hears `reason`. */
  close(reason: string): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    close(this.#fd);
    this.#fd = -1;
    this.#reader = undefined;
    this.#unsent = 0;
    reader.end(reason);
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
    this.#shared.poller.change(this.#fd, interest, this.#token);
  }

  #receive(): void {
    const { input } = this.#shared;
    const capacity = input.bytes.length;
    for (let reads = 0; reads < READS_MAX; reads++) {
      const reader = this.#reader;
      if (reader === undefined) return;
      const length = read(this.#fd, input.pointer, capacity);
      if (length > 0) {
        this.#established = true;
        this.received += length;
        if (!reader.receive(input.bytes, length)) return this.close('malformed');
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
