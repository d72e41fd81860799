/**
 * A Link over a connection of libuv (tcp-handle.ts).
 *
 *   room/advance/write ─> staged slabs ─ settle (end of turn) ─> send ─> kernel
 *                                                                  │ not all taken
 *                                                                  ├> in flight until onWritten;
 *                                                                  │  what comes meanwhile is staged
 *                                                                  └> fails ─ what the peer said before
 *                                                                     it went ─> onBytes, onClose
 *
 *   dialled ─ onConnected ─> open ─ both FINs, close, reset, an error ─> going ─ onHandleClosed ─> closed
 */
import { isIP } from 'node:net';
import type { MeshError } from '../model/mesh-error.ts';
import { formatSocketAddress } from '../../base/settings.ts';
import { SLAB_BYTES } from '../limits.ts';
import { HandlePeer } from './handle-peer.ts';
import { askAfterPeer } from './keep-alive.ts';
import {
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
  type DialOptions,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Peer,
  countClosed,
} from './link.ts';
import { readLastWords } from './last-words.ts';
import type { LinkThread } from './link-thread.ts';
import { NameDial, type NameDialEvents } from './name-dial.ts';
import { socketError } from './socket-error.ts';
import { StagedSlabs } from './staged-slabs.ts';
import {
  END_OF_STREAM,
  type HandleOwner,
  type TcpHandle,
  closeHandle,
  connect,
  errorName,
  newHandle,
  own,
  resetHandle,
  send,
  shut,
} from './tcp-handle.ts';
import type { EndOfTurn } from './turn.ts';

/** One connection of this process. */
export class NodeLink implements Link, EndOfTurn, HandleOwner, NameDialEvents {
  events: LinkEvents;
  #slab: Buffer | undefined = undefined;
  #length = 0;
  /** Behind one that is in flight. */
  #staged: StagedSlabs | undefined = undefined;
  #inFlight: Buffer | undefined = undefined;
  #inFlightBytes = 0;
  #settling = false;
  #wantsRead = true;
  #reading = false;
  #ending: 'open' | 'end' | 'close' = 'open';
  /** Our FIN was asked for; it is on its way; the peer's has come. */
  #ended = false;
  #shutting = false;
  #peerEnded = false;
  #opened = false;
  /** Its handle is being closed: of it is heard that it is, and nothing else. */
  #going = false;
  #closed = false;
  /** Why, by the system's name. */
  #failure: string | undefined = undefined;
  #openedUs = 0;
  #peer: Peer | undefined = undefined;
  #handle: TcpHandle | undefined = undefined;
  /** Looks for the handle, where a name was dialled. */
  #byName: NameDial | undefined = undefined;
  #lastWords: readonly Buffer[] | undefined = undefined;
  readonly #thread: LinkThread;
  readonly #counts: LinkCounts;
  /** What was dialled; undefined for accepted links. */
  readonly #dialled: DialOptions | undefined;

  constructor(thread: LinkThread, counts: LinkCounts, events: LinkEvents, dialled?: DialOptions) {
    this.#thread = thread;
    this.#counts = counts;
    this.events = events;
    this.#dialled = dialled;
  }

  /** Of an accepted connection, in a turn; `onOpen` is not called. */
  accepted(handle: TcpHandle): void {
    this.#attach(handle);
    this.#open();
  }

  /** Dials; an address that cannot be dialled is heard of later, as one that refuses. */
  dial(options: DialOptions): void {
    const { from, host, port } = options;
    if (isIP(host) === 0) {
      this.#byName = new NameDial(options, this);
      return;
    }
    const handle = newHandle();
    this.#attach(handle);
    const result = connect(handle, this, host, port, from);
    if (result !== 0) this.#fail(result);
  }

  /** By a name. */
  found(handle: TcpHandle): void {
    this.#byName = undefined;
    this.#attach(handle);
    this.onConnected(0);
  }

  get peer(): Peer {
    // A dial knows its own end, the other only once it is connected.
    if (!this.#opened) return new HandlePeer(this.#handle);
    return (this.#peer ??= new HandlePeer(this.#handle));
  }

  get closed(): boolean {
    return this.#closed;
  }

  get unsentBytes(): number {
    return this.#length + (this.#staged?.bytes ?? 0) + this.#inFlightBytes;
  }

  get length(): number {
    return this.#length;
  }

  room(bytes: number): Buffer {
    const slab = this.#slab;
    const { slabs } = this.#thread;
    if (slab !== undefined && this.#length + bytes > slab.length) {
      if (this.#length + bytes > SLAB_BYTES) this.#stage();
      else this.#slab = slabs.grow(slab, this.#length);
    }
    this.#settleLater();
    return (this.#slab ??= slabs.take(bytes));
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
    if (this.#handle !== undefined) askAfterPeer(this.#handle, this.#dialled === undefined);
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
    if (this.#going) return;
    this.#dropUnsent();
    if (!this.#opened) return this.#go();
    this.#going = true;
    // A FIN that is on its way has left within this round of the event loop.
    if (!this.#shutting) resetHandle(this.#handle!);
  }

  /** End of the turn: one write, then pause or resume, then what ends the link. */
  settle(): void {
    this.#settling = false;
    if (this.#going) return this.#dropUnsent();
    if (this.#inFlightBytes === 0 && this.#opened) this.#flush();
    if (this.#wantsRead !== this.#reading && this.#opened) this.#readOrNot();
    if (this.#ending !== 'open' && this.unsentBytes === 0) this.#finish();
  }

  // ---- the handle ----

  // HOT: per frame.
  onRead(result: number): void {
    if (this.#going) return;
    const { readBuffer, turn } = this.#thread;
    if (result > 0) {
      turn.enter();
      this.#counts[LINK_READ_BYTES]! += result;
      this.events.onBytes(readBuffer, 0, result);
      turn.leave();
    } else if (result === END_OF_STREAM) this.#endOfStream();
    else this.#fail(result);
  }

  /** A dial has come to its end; 0 where it is connected. */
  onConnected(result: number): void {
    if (this.#going) return;
    if (result !== 0) return this.#fail(result);
    const { turn } = this.#thread;
    turn.enter();
    this.#handle?.setNoDelay(true);
    this.#open();
    this.events.onOpen();
    this.#settleLater();
    turn.leave();
  }

  onWritten(result: number): void {
    const length = this.#inFlightBytes;
    if (this.#inFlight !== undefined) this.#thread.slabs.give(this.#inFlight);
    this.#inFlight = undefined;
    this.#inFlightBytes = 0;
    if (this.#going) return;
    if (result !== 0) return this.#failToWrite(result);
    const { turn } = this.#thread;
    turn.enter();
    this.events.onSent(length);
    this.#settleLater();
    turn.leave();
  }

  onShut(): void {
    this.#shutting = false;
    // `reset` waits for this; one that is being closed hears nothing of it any more.
    if (this.#going) resetHandle(this.#handle!);
    else if (this.#peerEnded) this.#go();
  }

  onHandleClosed(): void {
    this.#closed = true;
    const { turn } = this.#thread;
    turn.enter();
    this.#dropUnsent();
    if (this.#opened) countClosed(this.#counts, (turn.nowUs() - this.#openedUs) / 1000);
    for (const words of this.#lastWords ?? []) {
      this.#counts[LINK_READ_BYTES]! += words.length;
      this.events.onBytes(words, 0, words.length);
    }
    this.events.onClose(this.#error);
    turn.leave();
  }

  /** It has failed, or cannot be dialled; why, by the system's name. */
  failed(reason: string): void {
    this.#failure = reason;
    this.#go();
  }

  #fail(result: number): void {
    this.failed(errorName(result));
  }

  #failToWrite(result: number): void {
    this.#keepLastWords();
    this.#fail(result);
  }

  #endOfStream(): void {
    const { turn } = this.#thread;
    this.#peerEnded = true;
    turn.enter();
    this.events.onEnd();
    turn.leave();
    if (this.#ended && !this.#shutting && !this.#going) this.#go();
  }

  #attach(handle: TcpHandle): void {
    this.#handle = handle;
    own(handle, this, this.#thread.readBuffer);
  }

  #open(): void {
    this.#opened = true;
    this.#openedUs = this.#thread.turn.nowUs();
    this.#counts[LINK_OPENED]! += 1;
    if (this.#wantsRead) this.#readOrNot();
  }

  #settleLater(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#thread.turn.settleLater(this);
  }

  /** Puts the full slab behind the others; it leaves when the kernel takes bytes again. */
  #stage(): void {
    if (this.#slab === undefined) return;
    this.#staged ??= new StagedSlabs();
    this.#staged.push(this.#slab, this.#length);
    this.#slab = undefined;
    this.#length = 0;
  }

  #flush(): void {
    while (this.#inFlightBytes === 0) {
      const next = this.#staged?.shift();
      if (next === undefined) break;
      this.#send(next.slab, next.length);
    }
    const slab = this.#slab;
    if (slab === undefined || this.#inFlightBytes > 0) return;
    const length = this.#length;
    this.#slab = undefined;
    this.#length = 0;
    this.#send(slab, length);
  }

  /** The slab belongs to the write until the kernel has taken all of it. */
  #send(slab: Buffer, length: number): void {
    const { slabs } = this.#thread;
    const handle = this.#handle;
    if (length === 0 || this.#going || handle === undefined) return slabs.give(slab);
    this.#counts[LINK_WRITTEN_BYTES]! += length;
    const result = send(handle, this, slab, length);
    if (result > 0) {
      this.#inFlight = slab;
      this.#inFlightBytes = result;
      if (result < length) this.events.onSent(length - result);
      return;
    }
    slabs.give(slab);
    if (result === 0) this.events.onSent(length);
    else this.#failToWrite(result);
  }

  /**
   * A connection whose write failed is closed without reading what came before: a GOAWAY, which tells
   * what may be asked of another, or the answer to a request that was cut short.
   */
  #keepLastWords(): void {
    const descriptor = this.#handle?.fd ?? -1;
    if (!this.#reading || this.#lastWords !== undefined || descriptor < 0) return;
    this.#lastWords = readLastWords(descriptor);
  }

  #readOrNot(): void {
    this.#reading = this.#wantsRead;
    // There is nothing more to read, and libuv would say so once more.
    if (this.#peerEnded || this.#going) return;
    const result = this.#reading ? this.#handle!.readStart() : this.#handle!.readStop();
    if (result < 0) this.#fail(result);
  }

  #finish(): void {
    if (this.#going) return;
    if (this.#ending === 'close') return this.#go();
    if (this.#ended || !this.#opened) return;
    this.#ended = true;
    // Its close sends our FIN too.
    if (this.#peerEnded) return this.#go();
    const result = shut(this.#handle!, this);
    if (result === 0) this.#shutting = true;
    else this.#fail(result);
  }

  #go(): void {
    if (this.#going) return;
    this.#going = true;
    if (this.#handle !== undefined) closeHandle(this.#handle);
    else this.#byName?.giveUp();
  }

  get #error(): MeshError | undefined {
    if (this.#failure === undefined) return undefined;
    const dialled = this.#dialled;
    const where = dialled === undefined ? this.peer.remote : formatSocketAddress(dialled);
    return socketError(this.#failure, where, this.#opened);
  }

  #dropUnsent(): void {
    const { slabs } = this.#thread;
    if (this.#slab !== undefined) slabs.give(this.#slab);
    this.#slab = undefined;
    this.#length = 0;
    this.#staged?.drop(slabs);
  }
}
