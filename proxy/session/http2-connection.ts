/**
 * An HTTP/2 connection (RFC 9113), what both roles share: its streams, how they end, and how it ends.
 * What a head means is the role's: http2-server.ts, http2-client.ts.
 *
 *   link ─ bytes ─> Http2Input ──> role, streams ──> Http2Output ─ bytes ─> link
 *
 *   START ─ SETTINGS ─> OPEN ─ GOAWAY either way ─> no new streams ─ last one over ─> GOAWAY, FIN
 *     └─ a fault ────────┴─ every stream is lost ─> GOAWAY, FIN ─ lingerMs ─> reset
 *
 * An end in order leaves a slow client its time: nothing taken for streamIdleMs ─> reset; all taken
 * ─ lingerMs ─> closed.
 *
 * A client that asks and does not read what it gets is not read any more either. A server is: it
 * may be waiting for us to read, and then neither would ever go on.
 */
import { Timer } from '../../base/timer-wheel.ts';
import {
  ENHANCE_YOUR_CALM,
  type Http2Fault,
  NO_ERROR,
  PROTOCOL_ERROR,
} from '../codec/http2/error-code.ts';
import { WINDOW_BYTES_DEFAULT } from '../codec/http2/frame.ts';
import type { Http2Role as PeerRole } from '../codec/http2/settings.ts';
import { limits, timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { ClosedStreams } from './http2-closed-streams.ts';
import { Http2Input, type InputOwner } from './http2-input.ts';
import { Http2Liveness, type LivenessEvents } from './http2-liveness.ts';
import { Http2Output } from './http2-output.ts';
import type { Http2Role } from './http2-role.ts';
import { StreamTable } from './http2-stream-table.ts';
import { type Http2Stream, RESETS_NOT } from './http2-stream.ts';

/** Protocol state on one link. */
export class Http2Connection implements LinkEvents, InputOwner, LivenessEvents {
  readonly output: Http2Output;
  readonly input: Http2Input;
  readonly streams = new StreamTable();
  readonly closedStreams = new ClosedStreams();
  /** Nothing is read any more: a fault, or the link is gone. */
  gone = false;
  readonly #role: Http2Role;
  readonly #link: Link;
  readonly #liveness: Http2Liveness;
  readonly #check: Timer;
  /** Armed while a frame is not whole; `#watched` says which one. */
  readonly #frameTimer: Timer;
  #watched = 0;
  /** Of new streams: before the peer knows ours it uses RFC 9113's (sections 6.5.3 and 6.9.3). */
  #receiveWindow = Math.max(WINDOW_BYTES_DEFAULT, limits.streamWindowBytes);
  readonly #pauses: boolean;
  #paused = false;
  /** Gone without a fault: what a client has not taken are its last answers. */
  #endsInOrder = false;
  #peerEnded = false;
  /** Our PING is among what leaves next, which is no sign of life. */
  #pingUnsent = false;

  /** `peerRole` is the other side's. */
  constructor(role: Http2Role, link: Link, peerRole: PeerRole) {
    this.#role = role;
    this.#link = link;
    this.input = new Http2Input(this, role, peerRole);
    this.#liveness = new Http2Liveness(role.wheel, this);
    this.output = new Http2Output(link, (stream) => this.#localEnd(stream));
    this.#check = new Timer(() => this.#checkStreams());
    this.#frameTimer = new Timer(() => this.#frameTimeout());
    this.#pauses = peerRole === 'client';
  }

  // HOT: per exchange. Both sides may use `stream` now, as `id`.
  add(id: number, stream: Http2Stream): void {
    stream.begin(id, this.output.streamWindow, this.#receiveWindow);
    this.streams.add(stream);
    this.#liveness.watch();
    if (!this.#check.armed) this.#role.wheel.set(this.#check, timeouts.streamIdleMs);
  }

  /** The peer's message has its head; `length` is its content-length or LENGTH_UNKNOWN. */
  headSeen(stream: Http2Stream, length: number): void {
    stream.headSeen = true;
    this.message();
    stream.remaining = length;
    stream.moved = true;
  }

  /** From here on the peer sends by the window that our SETTINGS announced. */
  settingsAcked(): void {
    const change = limits.streamWindowBytes - this.#receiveWindow;
    this.#receiveWindow = limits.streamWindowBytes;
    for (const stream of this.streams.values()) stream.receiveWindow += change;
  }

  /** END_STREAM came with a head or behind the last DATA. False when it came too early. */
  remoteEnd(stream: Http2Stream): boolean {
    if (stream.remaining > 0) {
      const sentence = 'The body is shorter than its content-length';
      this.input.streamFault(stream.id, { code: PROTOCOL_ERROR, sentence });
      return false;
    }
    stream.remoteEnded = true;
    stream.events.streamEnd();
    if (stream.localEnded && !stream.over) this.forget(stream);
    return true;
  }

  /** `bytes` of DATA have left on the other side. */
  // HOT: per frame.
  credit(stream: Http2Stream, bytes: number): void {
    if (stream.over || stream.remoteEnded) return;
    stream.owed += bytes;
    if (stream.owed < limits.streamWindowBytes / 2) return;
    this.output.windowUpdate(stream.id, stream.owed);
    stream.receiveWindow += stream.owed;
    stream.owed = 0;
  }

  /** Ends `stream` at once, both ways. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.over) return;
    this.refuse(stream.id, code);
    this.forget(stream);
  }

  /** RST_STREAM for a stream that is not open here. */
  refuse(id: number, code: number): void {
    this.closedStreams.reset(id);
    if (this.gone) return;
    this.output.reset(id, code);
    this.#role.resetSent();
  }

  /** Says what is wrong and ends the connection; every stream hears of it first. */
  fault(fault: Http2Fault): void {
    if (this.gone) return;
    if (fault.limit !== undefined) this.#role.limitHit(fault.limit);
    this.end(fault.code, fault.sentence, this.#role.fault(fault));
  }

  /** GOAWAY, then the link ends once that has left. */
  end(code: number, sentence: string, error: MeshError): void {
    if (this.gone) return;
    this.output.goaway(this.lastPeerStream(), code, sentence);
    this.#stop(error);
    // What still comes is read and dropped, so that no reset destroys the GOAWAY.
    this.#link.end();
    this.#link.resume();
    this.#endsInOrder = this.#pauses && code === NO_ERROR;
    if (this.#endsInOrder) this.#linger();
    else this.#role.wheel.set(this.#check, timeouts.lingerMs);
  }

  /** A slow reader has its time; once all has left, the rest is soon over. */
  #linger(): void {
    const unsent = this.#link.unsentBytes > 0;
    this.#role.wheel.set(this.#check, unsent ? timeouts.streamIdleMs : timeouts.lingerMs);
  }

  /** No GOAWAY: the peer does not listen. */
  abandon(error: MeshError): void {
    if (this.gone) return;
    this.#stop(error);
    this.#link.reset();
  }

  /** Highest stream of the peer that was or may be processed: the server role sets it. */
  lastPeerStream: () => number = () => 0;

  #stop(error: MeshError): void {
    this.gone = true;
    this.input.stop();
    this.#role.wheel.cancel(this.#check);
    this.#role.wheel.cancel(this.#frameTimer);
    this.#liveness.stop();
    for (const stream of this.streams.values()) {
      stream.over = true;
      this.output.drop(stream);
      stream.events.streamLost(error);
      this.#role.streamOver(stream);
    }
    this.streams.clear();
  }

  /** `stream` is closed. */
  forget(stream: Http2Stream): void {
    stream.over = true;
    this.output.drop(stream);
    this.streams.delete(stream);
    this.#role.streamOver(stream);
    if (this.#peerEnded && this.streams.size === 0 && !this.gone) this.#link.close();
    // Last: whoever opens a stream from now on may get this one.
    stream.events.streamForgotten();
  }

  #localEnd(stream: Http2Stream): void {
    if (stream.over) return;
    if (stream.remoteEnded) this.forget(stream);
    else if (stream.resetBehindEnd !== RESETS_NOT) this.reset(stream, stream.resetBehindEnd);
  }

  // ---- the link ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.gone) return;
    this.#liveness.heard();
    const { input } = this;
    input.read(bytes, start, end);
    if (this.gone) return;
    if (input.withheld && !this.#frameTimer.armed) this.#watchFrame();
    const { unsentBytes } = this.#link;
    if (unsentBytes < limits.unreadBytesMax) return;
    if (this.#pauses) this.#pause();
    else if (unsentBytes >= limits.unsentBytesMax) this.#overflow(unsentBytes);
  }

  /** Requests end far below: what waits are answers to SETTINGS and PING that it does not read. */
  #overflow(unsentBytes: number): void {
    this.#role.limitHit('stalled');
    this.abandon(this.#role.slow(`It does not read, and ${unsentBytes} bytes wait for it.`));
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#role.limitHit('stalled');
    this.#link.pause();
  }

  onSent(): void {
    if (this.gone) {
      if (this.#endsInOrder) this.#linger();
      return;
    }
    // A client that takes its answers lives; a server may have died with what it was sent.
    if (this.#pingUnsent) this.#pingUnsent = false;
    else if (this.#pauses) this.#liveness.heard();
    this.output.pump();
    if (!this.#paused || this.#link.unsentBytes > limits.unreadBytesMax / 2) return;
    this.#paused = false;
    this.#link.resume();
    if (this.streams.size > 0) this.#liveness.watch();
  }

  #watchFrame(): void {
    this.#watched = this.input.begun;
    this.#role.wheel.set(this.#frameTimer, timeouts.headTimeoutMs);
  }

  /** Frames are cut all the time; one that stays so holds up all others. */
  #frameTimeout(): void {
    if (!this.input.withheld) return;
    // The rest may have come long ago, and wait for us.
    if (this.#paused) return this.#watchFrame();
    if (this.input.begun !== this.#watched) return this.#watchFrame();
    const sentence = `A frame was not whole after ${timeouts.headTimeoutMs} ms.`;
    this.end(ENHANCE_YOUR_CALM, sentence, this.#role.slow(sentence));
  }

  onEnd(): void {
    this.#peerEnded = true;
    // A client has no half-closed connection, only streams: its FIN says that it is gone, and nothing
    // else may ever say so while its streams wait (Go's, Envoy's and nginx's servers hold the same).
    if (this.#pauses && !this.gone) this.#stop(ENDED);
    if (this.streams.size === 0 || this.gone) return this.#link.close();
    // Answers that are whole may still be delivered; of others nothing more can come.
    for (const stream of this.streams.values()) {
      if (!stream.remoteEnded) this.lose(stream, ENDED);
    }
  }

  onClose(error: MeshError | undefined): void {
    if (!this.gone) this.#stop(error ?? ENDED);
    this.#endsInOrder = false;
    this.#role.wheel.cancel(this.#check);
    this.#role.closed(error);
  }

  // ---- liveness ----

  /** A head or data came. */
  message(): void {
    this.#liveness.message();
  }

  /** A client whose requests are whole owes nothing: it may be slow with their answers. */
  get waiting(): boolean {
    if (this.#paused || this.#peerEnded) return false;
    if (!this.#pauses) return this.streams.size > 0;
    for (const stream of this.streams.values()) if (!stream.remoteEnded) return true;
    return false;
  }

  ping(): void {
    this.output.ping(PING_PAYLOAD);
    this.#pingUnsent = true;
    this.#role.silent();
  }

  dead(silentMs: number): void {
    const sentence = `The peer answered no PING within ${silentMs} ms.`;
    this.abandon(new MeshError('deadline-passed', 'upstream', sentence));
  }

  /** The peer will not answer `stream`; nothing needs to be said to it. */
  lose(stream: Http2Stream, error: MeshError): void {
    stream.over = true;
    stream.events.streamLost(error);
    this.forget(stream);
  }

  /** What did not move since the last look has stalled; a peer that lingers is done. */
  #checkStreams(): void {
    if (this.gone) return this.#link.unsentBytes > 0 ? this.#link.reset() : this.#link.close();
    for (const stream of this.streams.values()) {
      if (stream.moved) stream.moved = false;
      // A tunnel may be silent, but not leave what is sent to it for as long.
      else if (!stream.tunnels || stream.waiting !== undefined) this.#stalled(stream);
    }
    if (this.gone) return;
    if (this.streams.size > 0) return this.#role.wheel.set(this.#check, timeouts.streamIdleMs);
    this.input.heads.unused();
    this.output.heads.unused();
    this.#role.unused();
  }

  #stalled(stream: Http2Stream): void {
    if (stream.waiting !== undefined) this.#role.limitHit('stalled');
    stream.events.streamStalled();
  }
}

const PING_PAYLOAD = Buffer.from('culvert?');

const ENDED = new MeshError('upstream-reset', 'upstream', 'The peer ended the connection.');
