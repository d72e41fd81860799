/**
 * An HTTP/2 connection (RFC 9113), what both roles share: frames in, their order and windows,
 * streams, SETTINGS, PING, GOAWAY. What a head means is the role's: http2-server.ts, http2-client.ts.
 *
 *   link ─ bytes ─> FrameReader ─ frames ─> Http2Connection ─┬─ heads ──> role ─> its streams
 *                                                           └─ data ───> stream.events
 *   link <──────────────── Http2Output <─ heads, data, credit ─ streams
 *
 *   START ─ first frame is SETTINGS ─> OPEN ─ GOAWAY either way ─> no new streams ─ last one over ─> closed
 *     └─ anything else ─────────────────────────── connection error ─> GOAWAY, closed
 *
 * Credit of the connection returns as soon as bytes are charged to their stream, whose own window
 * bounds them; so a stalled stream stops nobody else, and no path can lose connection credit.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import {
  COMPRESSION_ERROR,
  FLOW_CONTROL_ERROR,
  type Http2Fault,
  NO_ERROR,
  PROTOCOL_ERROR,
  STREAM_CLOSED,
} from '../codec/http2/error-code.ts';
import { type FrameEvents, FrameReader } from '../codec/http2/frame-reader.ts';
import { HeadDecoder } from '../codec/http2/head-decoder.ts';
import { type Http2Role as PeerRole, PeerSettings } from '../codec/http2/settings.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits, timeouts } from '../limits.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { ClosedStreams } from './http2-closed-streams.ts';
import { Http2Guard } from './http2-guard.ts';
import { Http2Liveness, type LivenessEvents } from './http2-liveness.ts';
import { Http2Output } from './http2-output.ts';
import { Http2Stream, LENGTH_UNKNOWN, type StreamEvents } from './http2-stream.ts';

const WINDOW_BYTES_MAX = 2 ** 31 - 1;

/** What a connection needs from its role. */
export interface Http2Role {
  readonly wheel: TimerWheel;
  /** A header block; `stream` is undefined when none of that id is open. */
  headers(
    id: number,
    stream: Http2Stream | undefined,
    block: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void;
  /** Whether the peer may have used `id`. */
  mayBe(id: number): boolean;
  settingsChanged(): void;
  pingAcked(): void;
  /** The peer takes no stream above `lastStream` (its own numbering is the other role's). */
  goaway(lastStream: number, code: number): void;
  /** A fault of the whole connection; GOAWAY is on its way. */
  fault(fault: Http2Fault): void;
  streamOver(stream: Http2Stream): void;
  /** Nothing came for a while although streams are open: a PING is on its way. */
  silent(): void;
  /** The link is gone; every stream has heard of it. */
  closed(error: MeshError | undefined): void;
}

/** Protocol state on one link. */
export class Http2Connection implements LinkEvents, FrameEvents, LivenessEvents {
  readonly output: Http2Output;
  readonly heads = new HeadDecoder();
  readonly streams = new Map<number, Http2Stream>();
  readonly peer: PeerSettings;
  readonly closedStreams = new ClosedStreams();
  /** The peer's SETTINGS came. */
  started = false;
  /** Nothing is read any more: a fault, or the link is gone. */
  gone = false;
  readonly #role: Http2Role;
  readonly #link: Link;
  readonly #reader = new FrameReader(this);
  readonly #guard: Http2Guard;
  readonly #liveness: Http2Liveness;
  readonly #check: Timer;
  /** Connection credit taken by DATA and not yet returned. */
  #owed = 0;
  #paused = false;
  #peerEnded = false;

  /** `peerRole` is the other side's. */
  constructor(role: Http2Role, link: Link, peerRole: PeerRole) {
    this.#role = role;
    this.peer = new PeerSettings(peerRole);
    this.#link = link;
    this.#guard = new Http2Guard(role.wheel);
    this.#liveness = new Http2Liveness(role.wheel, this);
    this.output = new Http2Output(link, (stream) => this.#localEnd(stream));
    this.#check = new Timer(() => this.#checkStreams());
  }

  /** A frame has begun and is not whole. */
  get inFrame(): boolean {
    return this.#reader.inFrame;
  }

  /** A stream that both sides may use now. */
  add(id: number, events: StreamEvents): Http2Stream {
    const stream = new Http2Stream(
      id,
      events,
      this.output.streamWindow,
      limits.streamWindowBytes,
    );
    this.streams.set(id, stream);
    this.#liveness.watch();
    if (!this.#check.armed) this.#role.wheel.set(this.#check, timeouts.streamIdleMs);
    return stream;
  }

  /** The peer's message has its head; `length` is its content-length or LENGTH_UNKNOWN. */
  headSeen(stream: Http2Stream, length: number): void {
    stream.headSeen = true;
    this.#liveness.message();
    stream.remaining = length;
    stream.moved = true;
  }

  /** END_STREAM came with a head or behind the last DATA. False when it came too early. */
  remoteEnd(stream: Http2Stream): boolean {
    if (stream.remaining > 0) {
      this.streamFault(stream.id, malformed('The body is shorter than its content-length.'));
      return false;
    }
    stream.remoteEnded = true;
    stream.events.streamEnd();
    if (stream.localEnded && !stream.over) this.#forget(stream);
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
    this.#forget(stream);
  }

  /** RST_STREAM for a stream that is not open here. */
  refuse(id: number, code: number): void {
    this.closedStreams.reset(id);
    if (!this.gone) this.output.reset(id, code);
  }

  /** A block that no stream gets still changes the decoder's table; false when it broke it. */
  dropBlock(block: Buffer, start: number, end: number): boolean {
    const kept = this.heads.trailers(block, start, end);
    return kept !== 'compression-error' || this.compressionFault();
  }

  /** Says what is wrong and ends the connection; every stream hears of it first. */
  fault(fault: Http2Fault): void {
    if (this.gone) return;
    this.#role.fault(fault);
    this.end(fault.code, fault.sentence, connectionError(fault));
  }

  /** GOAWAY, then the link ends once that has left. */
  end(code: number, sentence: string, error: MeshError): void {
    if (this.gone) return;
    this.output.goaway(this.lastPeerStream(), code, sentence);
    this.#stop(error);
    this.#link.close();
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
    this.#reader.stop();
    this.#role.wheel.cancel(this.#check);
    this.#guard.stop();
    this.#liveness.stop();
    for (const stream of this.streams.values()) {
      stream.over = true;
      stream.waiting.clear();
      stream.events.streamLost(error);
      this.#role.streamOver(stream);
    }
    this.streams.clear();
  }

  #forget(stream: Http2Stream): void {
    stream.over = true;
    stream.waiting.clear();
    this.streams.delete(stream.id);
    this.#role.streamOver(stream);
    if (this.#peerEnded && this.streams.size === 0 && !this.gone) this.#link.close();
  }

  #localEnd(stream: Http2Stream): void {
    if (stream.over) return;
    if (stream.remoteEnded) this.#forget(stream);
    else if (stream.resetBehindEnd) this.reset(stream, NO_ERROR);
  }

  // ---- the link ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.gone) return;
    this.#liveness.heard();
    this.#reader.read(bytes, start, end);
    // A peer that asks and does not read is not read any more.
    if (this.#paused || this.#link.unsentBytes < limits.unreadBytesMax || this.gone) return;
    this.#paused = true;
    this.#link.pause();
  }

  onSent(): void {
    if (this.gone) return;
    this.output.pump();
    if (!this.#paused || this.#link.unsentBytes > limits.unreadBytesMax / 2) return;
    this.#paused = false;
    this.#link.resume();
  }

  onEnd(): void {
    this.#peerEnded = true;
    if (this.streams.size === 0 || this.gone) return this.#link.close();
    // Requests that are whole are still answered; of others nothing more can come.
    for (const stream of this.streams.values()) {
      if (!stream.remoteEnded) this.lose(stream, ENDED);
    }
  }

  onClose(error: MeshError | undefined): void {
    if (!this.gone) this.#stop(error ?? ENDED);
    this.#role.closed(error);
  }

  // ---- liveness ----

  get waiting(): boolean {
    return this.streams.size > 0 && !this.#paused;
  }

  ping(): void {
    this.output.ping(PING_PAYLOAD);
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
    this.#forget(stream);
  }

  // ---- frames ----

  onFrame(type: number, length: number, flags: number): void {
    const fault = this.#guard.frame(type, length, flags);
    if (fault !== undefined) this.fault(fault);
  }

  // HOT: per frame.
  onData(
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): void {
    if (!this.#charge(flowBytes)) return;
    const stream = this.streams.get(id);
    if (stream === undefined) return this.#onUnopened(id);
    if (stream.remoteEnded) return this.streamFault(id, closedFault(id));
    if (!stream.headSeen) return this.streamFault(id, malformed('DATA before the head.'));
    stream.receiveWindow -= flowBytes;
    if (stream.receiveWindow < 0) {
      const sentence = `Stream ${id} got more DATA than its window.`;
      return this.streamFault(id, { code: FLOW_CONTROL_ERROR, sentence });
    }
    const size = end - start;
    stream.moved = true;
    this.#liveness.message();
    if (stream.remaining !== LENGTH_UNKNOWN) {
      stream.remaining -= size;
      if (stream.remaining < 0) {
        return this.streamFault(id, malformed('The body is longer than its content-length.'));
      }
    }
    if (size > 0) stream.events.streamData(bytes, start, end);
    if (endStream && !stream.over) this.remoteEnd(stream);
    // Padding goes no further: its credit is due at once.
    else if (flowBytes > size) this.credit(stream, flowBytes - size);
  }

  /** Takes connection credit and returns it by halves of the window. */
  #charge(flowBytes: number): boolean {
    this.#owed += flowBytes;
    if (this.#owed > limits.connectionWindowBytes) {
      const sentence = 'More DATA than the window of the connection.';
      this.fault({ code: FLOW_CONTROL_ERROR, sentence });
      return false;
    }
    if (this.#owed >= limits.connectionWindowBytes / 2) {
      this.output.windowUpdate(0, this.#owed);
      this.#owed = 0;
    }
    return true;
  }

  onHeaders(id: number, block: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined || !stream.remoteEnded) {
      return this.#role.headers(id, stream, block, start, end, endStream);
    }
    if (this.dropBlock(block, start, end)) this.streamFault(id, closedFault(id));
  }

  /** Trailers, in both roles: RFC 9113 section 8.1. */
  trailers(stream: Http2Stream, block: Buffer, start: number, end: number, last: boolean): void {
    const trailers = this.heads.trailers(block, start, end);
    if (trailers === 'compression-error') return void this.compressionFault();
    if (typeof trailers === 'string' || !last) {
      const what = last ? `are ${trailers as string}` : 'do not end the stream';
      return this.streamFault(stream.id, malformed(`The trailers ${what}.`));
    }
    if (trailers.fieldCount > 0 && stream.remaining <= 0) stream.events.streamTrailers(trailers);
    if (!stream.over) this.remoteEnd(stream);
  }

  onReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (!this.#role.mayBe(id)) this.#idleFault(id);
      return;
    }
    stream.over = true;
    stream.events.streamReset(code);
    this.#forget(stream);
  }

  onSettings(payload: Buffer, start: number, end: number): void {
    this.started = true;
    const before = this.output.streamWindow;
    const fault = this.peer.apply(payload, start, end);
    if (fault !== undefined) return this.fault(fault);
    const { output, peer } = this;
    // Down first where it went down and up again (RFC 7541 4.2).
    output.heads.setPeerTableBytesMax(peer.headerTableBytesLeast);
    output.heads.setPeerTableBytesMax(peer.headerTableBytes);
    output.streamWindow = peer.initialWindowBytes;
    output.settingsAck();
    const change = peer.initialWindowBytes - before;
    if (change !== 0) this.#changeWindows(change);
    if (!this.gone) this.#role.settingsChanged();
  }

  /** Streams that are open follow a new initial window, also below zero (RFC 9113 6.9.2). */
  #changeWindows(change: number): void {
    for (const stream of this.streams.values()) {
      if (stream.sendWindow + change > WINDOW_BYTES_MAX) {
        const sentence = `SETTINGS_INITIAL_WINDOW_SIZE overflows the window of stream ${stream.id}.`;
        return this.fault({ code: FLOW_CONTROL_ERROR, sentence });
      }
      stream.sendWindow += change;
      if (change > 0) this.output.wake(stream);
    }
  }

  onSettingsAck(): void {}

  onPing(payload: Buffer, start: number): void {
    this.output.pingAck(payload, start);
  }

  onPingAck(): void {
    this.#role.pingAcked();
  }

  onGoaway(lastStream: number, code: number): void {
    this.#role.goaway(lastStream, code);
  }

  // HOT: per frame.
  onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      this.output.window += increment;
      if (this.output.window <= WINDOW_BYTES_MAX) return this.output.pump();
      return this.fault({ code: FLOW_CONTROL_ERROR, sentence: 'The connection window overflows.' });
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (!this.#role.mayBe(id)) this.#idleFault(id);
      return;
    }
    stream.sendWindow += increment;
    stream.moved = true;
    if (stream.sendWindow <= WINDOW_BYTES_MAX) return this.output.wake(stream);
    const sentence = `The window of stream ${id} overflows.`;
    this.streamFault(id, { code: FLOW_CONTROL_ERROR, sentence });
  }

  onPushPromise(): void {
    this.fault({ code: PROTOCOL_ERROR, sentence: 'PUSH_PROMISE, which SETTINGS had forbidden.' });
  }

  onPriority(): void {}

  onFault(fault: Http2Fault): void {
    this.fault(fault);
  }

  onStreamFault(id: number, fault: Http2Fault): void {
    if (!this.streams.has(id) && !this.#role.mayBe(id)) return this.fault(fault);
    this.streamFault(id, fault);
  }

  /** The peer broke the protocol on one stream only: RST_STREAM, and the others live on. */
  streamFault(id: number, fault: Http2Fault): void {
    const stream = this.streams.get(id);
    this.refuse(id, fault.code);
    if (stream !== undefined) {
      stream.over = true;
      stream.events.streamFault(fault);
      this.#forget(stream);
    }
    const tooMany = this.#guard.resetStream();
    if (tooMany !== undefined) this.fault(tooMany);
  }

  /** DATA or HEADERS of a stream that is not open. */
  #onUnopened(id: number): void {
    if (!this.#role.mayBe(id)) return this.#idleFault(id);
    this.closedFrame(id);
  }

  /** A frame other than PRIORITY, WINDOW_UPDATE and RST_STREAM for a closed stream. */
  closedFrame(id: number): void {
    const was = this.closedStreams.whatWas(id);
    if (was === 'reset') return;
    if (was === 'ended') return this.fault(closedFault(id));
    this.#idleFault(id);
  }

  #idleFault(id: number): void {
    this.fault({ code: PROTOCOL_ERROR, sentence: `A frame for stream ${id}, which is idle.` });
  }

  /** A header block broke the decoder's table: nothing can be read any more. */
  compressionFault(): false {
    this.fault({ code: COMPRESSION_ERROR, sentence: 'A header block cannot be decoded.' });
    return false;
  }

  /** What did not move since the last look has stalled. */
  #checkStreams(): void {
    for (const stream of this.streams.values()) {
      if (stream.moved) stream.moved = false;
      else stream.events.streamStalled();
    }
    if (this.streams.size > 0 && !this.gone) {
      this.#role.wheel.set(this.#check, timeouts.streamIdleMs);
    }
  }
}

const PING_PAYLOAD = Buffer.from('culvert!');

const ENDED = new MeshError('upstream-reset', 'upstream', 'The peer ended the connection.');

const malformed = (sentence: string): Http2Fault => ({ code: PROTOCOL_ERROR, sentence });

const closedFault = (id: number): Http2Fault => ({
  code: STREAM_CLOSED,
  sentence: `A frame for stream ${id}, which its sender had ended.`,
});

const connectionError = ({ sentence }: Http2Fault): MeshError =>
  new MeshError('upstream-protocol', 'upstream', sentence);
