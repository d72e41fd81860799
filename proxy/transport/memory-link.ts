/**
 * A Link between two ends in one process. What an end hears happens only when its transport takes
 * a step, one event at a time.
 *
 *   room/advance/write ─> slabs ─ settle ─> far end's inbox (its capacity) ─ step ─> onBytes
 *                           ^ not all fit: sent as the far end reads
 *
 * It behaves as a TCP socket does where sessions can tell: a paused end hears neither FIN nor RST;
 * bytes that came before either are read first; closing with unread bytes resets; writing to an end
 * that is gone is answered by RST, and once FIN was read, only the next write fails.
 */
import { SLAB_BYTES } from '../limits.ts';
import type { MeshError } from '../model/mesh-error.ts';
import {
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Peer,
  countClosed,
} from './link.ts';
import type { Slabs } from './slabs.ts';
import { socketError } from './socket-error.ts';
import type { EndOfTurn, Turn } from './turn.ts';

/** What all links of a transport share. */
export interface MemoryKernel {
  readonly turn: Turn;
  readonly slabs: Slabs;
  /** Bytes that an end keeps for its reader before the writer has to wait. */
  readonly capacityBytes: number;
  /** Lent to readers, and overwritten after each call: nobody may keep a view. */
  readonly readBuffer: Buffer;
  /** Bytes of the next read, at most; 1 or more. */
  readonly readBytes: () => number;
  /** `link` has something to hear at a later step. */
  readonly wake: (link: MemoryLink) => void;
}

interface Staged {
  readonly slab: Buffer;
  readonly length: number;
}

type State = 'connecting' | 'open' | 'closing' | 'closed';
type Ending = 'open' | 'end' | 'close';

const NONE = Buffer.alloc(0);

/** One end of a connection in memory. */
export class MemoryLink implements Link, EndOfTurn {
  events: LinkEvents;
  readonly peer: Peer;
  readonly #kernel: MemoryKernel;
  readonly #counts: LinkCounts;
  #far: MemoryLink | undefined = undefined;
  #state: State = 'connecting';
  #openedUs = 0;
  #error: MeshError | undefined = undefined;

  #slab: Buffer | undefined = undefined;
  #length = 0;
  #staged: Staged[] = [];
  #stagedBytes = 0;
  /** Bytes of the oldest slab that the far end has. */
  #taken = 0;
  #settling = false;
  #ending: Ending = 'open';
  #finSent = false;

  #inbox: Buffer = NONE;
  #inboxStart = 0;
  #inboxEnd = 0;
  #wantsRead = true;
  #reading = true;
  #finReceived = false;
  #finRead = false;
  #resetReceived = false;
  /** A write was answered by RST, or would be. */
  #broken = false;
  /** The network between the ends is cut. */
  severed = false;
  /** Its owner asked TCP to find out whether the other end is there: whoever cuts tells it. */
  keepsAlive = false;

  constructor(kernel: MemoryKernel, counts: LinkCounts, peer: Peer, events: LinkEvents) {
    this.#kernel = kernel;
    this.#counts = counts;
    this.peer = peer;
    this.events = events;
  }

  /** Both ends are connected from here on; `onOpen` is the dialler's to call. */
  connect(far: MemoryLink): void {
    this.#far = far;
    this.#state = 'open';
    this.#openedUs = this.#kernel.turn.nowUs();
    this.#counts[LINK_OPENED]! += 1;
    this.#settleLater();
  }

  /** Dialling failed or the socket broke: `code` as the system says it. */
  fail(code: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const failure = Object.assign(new Error(code), { code });
    this.#error = socketError(
      failure.code ?? failure.message,
      this.peer.remote,
      this.#state !== 'connecting',
    );
    this.#destroy(true);
  }

  get connecting(): boolean {
    return this.#state === 'connecting';
  }

  /** `onClose` has come. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /**
   * The network carries nothing more, either way, and tells nobody: a writer still fills the far
   * end's capacity, as it would fill its kernel's. Until `join`, if that comes.
   */
  sever(): void {
    this.severed = true;
    if (this.#far !== undefined) this.#far.severed = true;
  }

  /** The network carries again: what was held up arrives. */
  join(): void {
    for (const end of [this, this.#far]) {
      if (end === undefined) continue;
      end.severed = false;
      if (end.#due) this.#kernel.wake(end);
    }
  }

  get unsentBytes(): number {
    return this.#length + this.#stagedBytes - this.#taken;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes that have arrived and were not read. */
  get unreadBytes(): number {
    return this.#inboxEnd - this.#inboxStart;
  }

  room(bytes: number): Buffer {
    const { slabs } = this.#kernel;
    const slab = this.#slab;
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
    this.keepsAlive = true;
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
    if (this.#state === 'connecting' || this.#state === 'open') this.#destroy(true);
  }

  settle(): void {
    this.#settling = false;
    if (this.#state === 'closing' || this.#state === 'closed') return this.#dropUnsent();
    this.#reading = this.#wantsRead;
    if (this.#state === 'open') this.#flush();
    if (this.#ending !== 'open' && this.unsentBytes === 0) this.#finish();
    if (this.#due) this.#kernel.wake(this);
  }

  /** One event, inside a turn. */
  deliver(): void {
    if (this.#state === 'closing') return this.#gone();
    if (this.#state !== 'open') return;
    if (this.#canSend) this.#settleLater();
    else if (this.severed) return;
    else if (this.#reading && this.unreadBytes > 0) this.#read();
    else if (this.#resetReceived && (this.#reading || this.unsentBytes > 0)) {
      this.fail('ECONNRESET');
    } else if (this.#reading && this.#finReceived && !this.#finRead) {
      this.#finRead = true;
      this.#closeWhenBothEnded();
      this.events.onEnd();
    }
    if (this.#due) this.#kernel.wake(this);
  }

  /** Whether a step has something for this end. */
  get #due(): boolean {
    if (this.#state === 'closing') return true;
    if (this.#state !== 'open') return false;
    if (this.#canSend) return true;
    if (this.severed) return false;
    if (this.#resetReceived && this.unsentBytes > 0) return true;
    if (!this.#reading) return false;
    return this.unreadBytes > 0 || this.#resetReceived || (this.#finReceived && !this.#finRead);
  }

  get #canSend(): boolean {
    return this.unsentBytes > 0 && !this.#settling && this.#far !== undefined && this.#far.#hasRoom;
  }

  /** A closed end takes everything: it is lost. */
  get #hasRoom(): boolean {
    if (this.#isGone) return !this.severed;
    return this.unreadBytes < this.#kernel.capacityBytes;
  }

  get #isGone(): boolean {
    return this.#state === 'closing' || this.#state === 'closed';
  }

  #settleLater(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.#kernel.turn.settleLater(this);
  }

  #stage(): void {
    if (this.#slab === undefined) return;
    this.#staged.push({ slab: this.#slab, length: this.#length });
    this.#stagedBytes += this.#length;
    this.#slab = undefined;
    this.#length = 0;
  }

  #flush(): void {
    if (this.unsentBytes === 0) {
      if (this.#slab !== undefined) this.#kernel.slabs.give(this.#slab);
      this.#slab = undefined;
      return;
    }
    const far = this.#far;
    if (far === undefined || (this.severed && far.#isGone)) return;
    if (far.#isGone && this.#broken) return this.fail('EPIPE');
    this.#stage();
    let sent = 0;
    for (let next = this.#staged[0]; next !== undefined; next = this.#staged[0]) {
      const taken = far.#arrive(next.slab, this.#taken, next.length);
      if (taken === 0) break;
      sent += taken;
      this.#taken += taken;
      if (this.#taken < next.length) break;
      this.#staged.shift();
      this.#stagedBytes -= next.length;
      this.#taken = 0;
      this.#kernel.slabs.give(next.slab);
    }
    if (far.#isGone) this.#breakOff();
    if (sent === 0) return;
    this.#counts[LINK_WRITTEN_BYTES]! += sent;
    this.events.onSent(sent);
  }

  /** The far end answered what was written by RST. */
  #breakOff(): void {
    this.#broken = true;
    if (!this.#finRead) this.#resetReceived = true;
  }

  /** How many of bytes[start, end) fit. */
  #arrive(bytes: Buffer, start: number, end: number): number {
    if (this.#isGone) return end - start;
    const { capacityBytes } = this.#kernel;
    const size = Math.min(end - start, capacityBytes - this.unreadBytes);
    if (this.#inbox.length === 0) this.#inbox = Buffer.allocUnsafe(capacityBytes);
    if (this.#inboxEnd + size > capacityBytes) {
      this.#inbox.copyWithin(0, this.#inboxStart, this.#inboxEnd);
      this.#inboxEnd -= this.#inboxStart;
      this.#inboxStart = 0;
    }
    bytes.copy(this.#inbox, this.#inboxEnd, start, start + size);
    this.#inboxEnd += size;
    if (this.#due) this.#kernel.wake(this);
    return size;
  }

  #read(): void {
    const { readBuffer, readBytes } = this.#kernel;
    const size = Math.min(this.unreadBytes, readBytes(), readBuffer.length);
    this.#inbox.copy(readBuffer, 0, this.#inboxStart, this.#inboxStart + size);
    this.#inboxStart += size;
    this.#counts[LINK_READ_BYTES]! += size;
    this.events.onBytes(readBuffer, 0, size);
    readBuffer.fill(OVERWRITTEN, 0, size);
    if (this.#far !== undefined && this.#far.#due) this.#kernel.wake(this.#far);
  }

  #finish(): void {
    if (this.#ending === 'close') return this.#destroy(false);
    if (this.#finSent || this.#state !== 'open') return;
    this.#finSent = true;
    if (this.#far !== undefined) this.#far.#receive('fin');
    this.#closeWhenBothEnded();
  }

  #closeWhenBothEnded(): void {
    if (!this.#finSent || !this.#finRead || this.#state !== 'open') return;
    this.#state = 'closing';
    this.#kernel.wake(this);
  }

  /** FIN, or RST when asked for or when unread bytes are lost; `onClose` comes with a step. */
  #destroy(reset: boolean): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'closing';
    this.#dropUnsent();
    const what = reset || this.unreadBytes > 0 ? 'reset' : 'fin';
    if (wasOpen && this.#far !== undefined) this.#far.#receive(what);
    this.#kernel.wake(this);
  }

  #receive(what: 'fin' | 'reset'): void {
    if (what === 'fin') this.#finReceived = true;
    else {
      this.#broken = true;
      if (!this.#finRead || this.unsentBytes > 0) this.#resetReceived = true;
    }
    if (this.#due) this.#kernel.wake(this);
  }

  #gone(): void {
    this.#state = 'closed';
    this.#dropUnsent();
    this.#inbox = NONE;
    this.#inboxStart = 0;
    this.#inboxEnd = 0;
    if (this.#far !== undefined) {
      countClosed(this.#counts, (this.#kernel.turn.nowUs() - this.#openedUs) / 1000);
    }
    this.events.onClose(this.#error);
  }

  #dropUnsent(): void {
    this.#stage();
    for (const { slab } of this.#staged) this.#kernel.slabs.give(slab);
    this.#staged = [];
    this.#stagedBytes = 0;
    this.#taken = 0;
  }
}

const OVERWRITTEN = 0xee;
