/**
 * A Link over a Node socket.
 *
 *   room/advance/write ─> staged slabs ─ settle (end of turn) ─> write(2) ─> kernel
 *                                                                  │ not all taken: socket.write
 *                                                                  ├> in flight until its callback;
 *                                                                  │  what comes meanwhile is staged
 *                                                                  └> fails ─ what the peer said before
 *                                                                     it went ─> onBytes, onClose
 */
import type net from 'node:net';
import type { MeshError } from '../model/mesh-error.ts';
import {
  originalDestination,
  setUserTimeout,
  whyNotWritten,
  writeDescriptor,
} from '../../base/libc.ts';
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import { SLAB_BYTES, timeouts } from '../limits.ts';
import { INHERITS_OPTIONS, KEEP_ALIVE_AFTER_MS } from './listening-handle.ts';
import {
  LIFETIME_BOUNDS_MS,
  LINK_CLOSED,
  LINK_CLOSED_MS,
  LINK_LIFETIMES,
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Peer,
} from './link.ts';
import { readLastWords } from './last-words.ts';
import { socketError } from './socket-error.ts';
import type { Slabs } from './slabs.ts';
import type { EndOfTurn, Turn } from './turn.ts';

interface Staged {
  readonly slab: Buffer;
  readonly length: number;
}

type Ending = 'open' | 'end' | 'close';

/** What Node calls the descriptor of a socket; private, so checked before use. */
interface HandleOwner {
  _handle?: { readonly fd?: number } | null;
}

export class NodeLink implements Link, EndOfTurn {
  events: LinkEvents;
  #slab: Buffer | undefined = undefined;
  #length = 0;
  /** Full slabs behind one that is in flight, oldest first. */
  #staged: Staged[] = [];
  #stagedBytes = 0;
  #inFlightBytes = 0;
  #settling = false;
  #wantsRead = true;
  #reading = true;
  #ending: Ending = 'open';
  #ended = false;
  #closed = false;
  #opened = false;
  #openedUs: number;
  #peer: Peer | undefined = undefined;
  #socket!: net.Socket;
  /** Of the open socket; only for as long as that has its handle: numbers are used again. */
  #descriptor = -1;
  /** Why the connection was lost, as "ETIMEDOUT": the kernel says so once, and EPIPE from then on. */
  #refusal: string | undefined = undefined;
  #lastWords: readonly Buffer[] | undefined = undefined;
  readonly #turn: Turn;
  readonly #slabs: Slabs;
  readonly #counts: LinkCounts;
  /** What was dialled; undefined for accepted links. */
  readonly #dialled: string | undefined;

  constructor(
    turn: Turn,
    slabs: Slabs,
    counts: LinkCounts,
    events: LinkEvents,
    dialled: string | undefined,
  ) {
    this.#turn = turn;
    this.#slabs = slabs;
    this.#counts = counts;
    this.events = events;
    this.#dialled = dialled;
    this.#openedUs = turn.nowUs();
  }

  /** The socket this link is about; before any of its events. */
  attach(socket: net.Socket): void {
    this.#socket = socket;
    this.#opened = !socket.connecting;
    if (this.#opened) this.#descriptor = descriptorOf(socket);
    let failure: NodeJS.ErrnoException | undefined;
    socket.on('error', (error) => (failure = error));
    if (socket.connecting) socket.once('connect', () => this.#inTurn(() => this.#open()));
    socket.on('end', () => this.#inTurn(() => this.events.onEnd()));
    socket.once('close', () => this.#inTurn(() => this.#gone(failure)));
  }

  get peer(): Peer {
    // The socket knows its own address when it dials, the other only once it is connected.
    if (!this.#opened) return new SocketPeer(this.#socket);
    return (this.#peer ??= new SocketPeer(this.#socket));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get unsentBytes(): number {
    return this.#length + this.#stagedBytes + this.#inFlightBytes;
  }

  get length(): number {
    return this.#length;
  }

  // HOT: per frame. Given to the socket as its onread callback; `bytes` is the thread's buffer.
  readonly onRead = (length: number, bytes: Uint8Array): boolean => {
    if (this.#closed) return true;
    this.#turn.enter();
    this.#counts[LINK_READ_BYTES]! += length;
    this.events.onBytes(bytes as Buffer, 0, length);
    this.#turn.leave();
    return true;
  };

  room(bytes: number): Buffer {
    const slab = this.#slab;
    if (slab !== undefined && this.#length + bytes > slab.length) {
      if (this.#length + bytes > SLAB_BYTES) this.#stage();
      else this.#slab = this.#slabs.grow(slab, this.#length);
    }
    this.#settleLater();
    return (this.#slab ??= this.#slabs.take(bytes));
  }

  advance(bytes: number): void {
    this.#length += bytes;
  }

  write(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#length === SLAB_BYTES) this.#stage();
      const stop = Math.min(end, at + SLAB_BYTES - this.#length);
      const slab = this.room(stop - at);
      this.#length += bytes.copy(slab, this.#length, at, stop);
      at = stop;
    }
  }

  pause(): void {
    this.#wantsRead = false;
    this.#settleLater();
  }

  resume(): void {
    this.#wantsRead = true;
    this.#settleLater();
  }

  keepAlive(): void {
    const socket = this.#socket;
    const inherited = INHERITS_OPTIONS && this.#dialled === undefined;
    if (!inherited) socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    const descriptor = descriptorOf(socket);
    const ms = timeouts.tcpUserTimeoutMs;
    if (process.platform === 'linux' && descriptor >= 0 && ms > 0) setUserTimeout(descriptor, ms);
  }

  end(): void {
    if (this.#ending === 'open') this.#ending = 'end';
    this.#settleLater();
  }

  close(): void {
    this.#ending = 'close';
    this.#settleLater();
  }

  reset(): void {
    if (this.#closed) return;
    this.#dropUnsent();
    if (this.#opened) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** End of the turn: one write, then pause or resume, then what ends the link. */
  settle(): void {
    this.#settling = false;
    if (this.#closed) return this.#dropUnsent();
    if (this.#inFlightBytes === 0 && this.#opened) this.#flush();
    if (this.#wantsRead !== this.#reading) {
      this.#reading = this.#wantsRead;
      if (this.#wantsRead) this.#socket.resume();
      else this.#socket.pause();
    }
    if (this.#ending !== 'open' && this.unsentBytes === 0) this.#finish();
  }

  #settleLater(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#turn.settleLater(this);
  }

  /** Puts the full slab behind the others; it leaves when the kernel takes bytes again. */
  #stage(): void {
    if (this.#slab === undefined) return;
    this.#staged.push({ slab: this.#slab, length: this.#length });
    this.#stagedBytes += this.#length;
    this.#slab = undefined;
    this.#length = 0;
  }

  #flush(): void {
    while (this.#staged.length > 0 && this.#inFlightBytes === 0) {
      const next = this.#staged.shift();
      if (next === undefined) break;
      this.#stagedBytes -= next.length;
      this.#send(next.slab, next.length);
    }
    const slab = this.#slab;
    if (slab === undefined || this.#inFlightBytes > 0) return;
    const length = this.#length;
    this.#slab = undefined;
    this.#length = 0;
    this.#send(slab, length);
  }

  #send(slab: Buffer, length: number): void {
    if (length === 0) return this.#slabs.give(slab);
    this.#counts[LINK_WRITTEN_BYTES]! += length;
    const taken = this.#writeNow(slab, length);
    if (taken < length) return this.#sendRest(slab, taken, length);
    this.#slabs.give(slab);
    this.events.onSent(length);
  }

  /**
   * How many bytes the kernel takes at once, which is all of them but where the peer does not read.
   * A stream of Node's need not know of those: it would make two objects of each write.
   */
  #writeNow(slab: Buffer, length: number): number {
    if (this.#ended || this.#descriptor < 0 || !hasHandle(this.#socket)) return 0;
    const taken = writeDescriptor(this.#descriptor, slab, length);
    if (taken >= 0) return taken;
    const refusal = whyNotWritten();
    if (refusal !== 'EAGAIN') this.#refusal = refusal;
    return 0;
  }

  /** The slab belongs to the write until the kernel has taken all of it. */
  #sendRest(slab: Buffer, taken: number, length: number): void {
    const socket = this.#socket;
    socket.write(slab.subarray(taken, length));
    if (socket.errored !== null) this.#keepLastWords();
    if (socket.writableLength === 0) {
      this.#slabs.give(slab);
      this.events.onSent(length);
      return;
    }
    this.#inFlightBytes = length;
    // An empty write behind it: its callback comes when the slab has left ('drain' may not).
    socket.write(NOTHING, (error) => {
      this.#slabs.give(slab);
      this.#inFlightBytes = 0;
      if (error !== null && error !== undefined) return this.#keepLastWords();
      this.#inTurn(() => {
        this.events.onSent(length);
        this.#settleLater();
      });
    });
  }

  /**
   * Node is about to close a socket whose write failed, without reading what came before: a GOAWAY,
   * which tells what may be asked of another, or the answer to a request that was cut short.
   */
  #keepLastWords(): void {
    const descriptor = descriptorOf(this.#socket);
    if (!this.#reading || this.#lastWords !== undefined || descriptor < 0) return;
    this.#lastWords = readLastWords(descriptor);
  }

  #finish(): void {
    if (this.#ending === 'close') this.#socket.destroy();
    else if (!this.#ended) {
      this.#ended = true;
      this.#socket.end();
    }
  }

  #open(): void {
    this.#opened = true;
    this.#descriptor = descriptorOf(this.#socket);
    this.#openedUs = this.#turn.nowUs();
    this.#counts[LINK_OPENED]! += 1;
    this.events.onOpen();
    this.#settleLater();
  }

  #gone(failure: NodeJS.ErrnoException | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dropUnsent();
    if (this.#opened) {
      this.#countClosed((this.#turn.nowUs() - this.#openedUs) / 1000);
    }
    for (const words of this.#lastWords ?? NO_WORDS) {
      this.#counts[LINK_READ_BYTES]! += words.length;
      this.events.onBytes(words, 0, words.length);
    }
    this.events.onClose(this.#errorOf(failure));
  }

  #countClosed(lifetimeMs: number): void {
    const past = LIFETIME_BOUNDS_MS.findIndex((bound) => lifetimeMs <= bound);
    this.#counts[LINK_CLOSED]! += 1;
    this.#counts[LINK_CLOSED_MS]! += lifetimeMs;
    this.#counts[LINK_LIFETIMES + (past === -1 ? LIFETIME_BOUNDS_MS.length : past)]! += 1;
  }

  #errorOf(failure: NodeJS.ErrnoException | undefined): MeshError | undefined {
    if (failure === undefined) return undefined;
    if (failure.code === 'EPIPE') failure.code = this.#refusal ?? failure.code;
    return socketError(failure, this.#dialled ?? this.peer.remote, this.#opened);
  }

  #dropUnsent(): void {
    if (this.#slab !== undefined) this.#slabs.give(this.#slab);
    for (const { slab } of this.#staged) this.#slabs.give(slab);
    this.#slab = undefined;
    this.#length = 0;
    this.#staged = [];
    this.#stagedBytes = 0;
  }

  #inTurn(work: () => void): void {
    this.#turn.enter();
    work();
    this.#turn.leave();
  }
}

const NOTHING = Buffer.alloc(0);
const NO_WORDS: readonly Buffer[] = [];

/** -1 where there is none any more. */
const descriptorOf = (socket: net.Socket): number =>
  (socket as unknown as HandleOwner)._handle?.fd ?? -1;

/** Whether the socket's descriptor is its own still. */
const hasHandle = (socket: net.Socket): boolean => {
  const { _handle: handle } = socket as unknown as HandleOwner;
  return handle !== null && handle !== undefined;
};

/** IPv4 on a socket of both families. */
const MAPPED = '::ffff:';

/** What is asked of a link once or never: the original destination costs a system call. */
class SocketPeer implements Peer {
  readonly remote: string;
  readonly local: string;
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    this.remote = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.local = `${socket.localAddress ?? ''}:${socket.localPort ?? 0}`;
    this.#socket = socket;
  }

  get originalDst(): SocketAddress | undefined {
    const { localAddress, localPort = 0 } = this.#socket;
    const descriptor = descriptorOf(this.#socket);
    if (process.platform !== 'linux' || localAddress === undefined || descriptor < 0) {
      return undefined;
    }
    const host = localAddress.startsWith(MAPPED) ? localAddress.slice(MAPPED.length) : localAddress;
    const found = originalDestination(descriptor, host.includes(':') ? 6 : 4);
    if (found === undefined) return undefined;
    // What is tracked and was not redirected was going where it is.
    const own = formatSocketAddress({ host, port: localPort });
    return formatSocketAddress(found) === own ? undefined : found;
  }
}
