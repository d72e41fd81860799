/** Readiness of many sockets: epoll, with waits exact to microseconds. Level-triggered. */
import {
  allocateNative,
  close,
  epoll_create1,
  epoll_ctl,
  epoll_pwait2,
  errno,
  errnoName,
} from './libc.ts';

/** The socket has bytes, or ended. */
export const READABLE = 0x001;
/** The socket takes bytes, or its dialling came to an end. */
export const WRITABLE = 0x004;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;
/** struct epoll_event { u32 events; u64 data } is packed on x86-64 only. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const DATA_AT = EVENT_BYTES - 8;
/** Few, so that the time read after a wait is near that of each of its events. */
const EVENTS_MAX = 64;
const EINTR = 4;

/** A set of sockets, each with a token: a number from 0 to 2^32 - 1. */
export class Poller {
  readonly #fd: number;
  readonly #events = allocateNative(EVENT_BYTES * EVENTS_MAX);
  readonly #one = allocateNative(EVENT_BYTES);
  readonly #timeout = allocateNative(16);
  readonly #view: DataView;
  readonly #timeoutWords: Uint32Array;

  constructor() {
    this.#fd = epoll_create1(EPOLL_CLOEXEC);
    if (this.#fd < 0) throw new Error(`epoll_create1: ${errnoName(errno())}`);
    const { buffer } = this.#events.bytes;
    this.#view = new DataView(buffer);
    this.#timeoutWords = new Uint32Array(this.#timeout.bytes.buffer);
  }

  /** Closing the socket takes it out. Throws when the kernel refuses. */
  add(fd: number, interest: number, token: number): void {
    this.#control(EPOLL_CTL_ADD, fd, interest, token);
  }

  /** Changes what a socket is watched for. */
  change(fd: number, interest: number, token: number): void {
    this.#control(EPOLL_CTL_MOD, fd, interest, token);
  }

  /** Number of events, 0 once `timeoutUs` passed (at most an hour; negative is none). */
  wait(timeoutUs: number): number {
    const us = Math.min(Math.max(timeoutUs, 0), 3.6e9);
    const seconds = Math.trunc(us / 1e6);
    this.#timeoutWords[0] = seconds;
    this.#timeoutWords[2] = (us - seconds * 1e6) * 1e3;
    const count = epoll_pwait2(
      this.#fd,
      this.#events.pointer,
      EVENTS_MAX,
      this.#timeout.pointer,
      0n,
    );
    if (count >= 0) return count;
    const number = errno();
    if (number === EINTR) return 0;
    throw new Error(`epoll_pwait2: ${errnoName(number)}`);
  }

  /** Token of the i-th event of the last wait. */
  token(i: number): number {
    return this.#view.getUint32(i * EVENT_BYTES + DATA_AT, true);
  }

  /** What happened, READABLE and WRITABLE among it. An error or an end always comes too. */
  happened(i: number): number {
    return this.#view.getUint32(i * EVENT_BYTES, true);
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }

  #control(operation: number, fd: number, interest: number, token: number): void {
    this.#one.bytes.writeUInt32LE(interest, 0);
    this.#one.bytes.writeUInt32LE(token, DATA_AT);
    if (epoll_ctl(this.#fd, operation, fd, this.#one.pointer) === 0) return;
    throw new Error(`epoll_ctl: ${errnoName(errno())}`);
  }
}
