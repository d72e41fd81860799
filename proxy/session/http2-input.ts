/**
 * What an HTTP/2 connection receives: the order of frames, the windows we gave, SETTINGS, floods
 * (RFC 9113 sections 4 to 6). What a head means is the role's.
 *
 *   bytes ─> FrameReader ─┬─ HEADERS ─────────────────────────> role ─> its stream
 *                         ├─ DATA ─ both windows ─ length ────> stream.events
 *                         └─ the others ──────────────────────> output (window, ack), connection
 *
 * Credit of the connection returns as soon as bytes are charged to their stream, whose own window
 * bounds them; so a stalled stream stops nobody else, and no path can lose connection credit.
 */
import {
  COMPRESSION_ERROR,
  FLOW_CONTROL_ERROR,
  type Http2Fault,
  http2Fault,
  PROTOCOL_ERROR,
  STREAM_CLOSED,
} from '../codec/http2/error-code.ts';
import { type FrameEvents, FrameReader } from '../codec/http2/frame-reader.ts';
import { WINDOW_BYTES_MAX } from '../codec/http2/frame.ts';
import { HeadDecoder } from '../codec/http2/head-decoder.ts';
import { type Http2Role as PeerRole, PeerSettings } from '../codec/http2/settings.ts';
import { limits } from '../limits.ts';
import type { ClosedStreams } from './http2-closed-streams.ts';
import { Http2Guard } from './http2-guard.ts';
import type { Http2Output } from './http2-output.ts';
import type { Http2Role } from './http2-role.ts';
import type { StreamTable } from './http2-stream-table.ts';
import { type Http2Stream, LENGTH_UNKNOWN } from './http2-stream.ts';

/** The connection, as its receiving half needs it. */
export interface InputOwner {
  readonly output: Http2Output;
  readonly streams: Pick<StreamTable, 'get' | 'has' | 'values'>;
  readonly closedStreams: ClosedStreams;
  /** Nothing is read any more. */
  readonly gone: boolean;
  /** A connection error. */
  fault(fault: Http2Fault): void;
  /** RST_STREAM goes out for a stream that may not be open. */
  refuse(id: number, code: number): void;
  /** `stream` is closed. */
  forget(stream: Http2Stream): void;
  /** END_STREAM came. */
  remoteEnd(stream: Http2Stream): void;
  /** `bytes` of DATA need no window any more. */
  credit(stream: Http2Stream, bytes: number): void;
  /** A head or data came. */
  message(): void;
  /** Our SETTINGS are in force at the peer. */
  settingsAcked(): void;
}

/** The receiving half of a connection. */
export class Http2Input implements FrameEvents {
  readonly heads = new HeadDecoder();
  readonly peer: PeerSettings;
  /** The peer's SETTINGS came. */
  started = false;
  readonly #connection: InputOwner;
  readonly #role: Http2Role;
  readonly #peerRole: PeerRole;
  readonly #reader = new FrameReader(this);
  readonly #guard: Http2Guard;
  /** Connection credit taken by DATA and not yet returned. */
  #owed = 0;

  /** `peerRole` is the other side's. */
  constructor(connection: InputOwner, role: Http2Role, peerRole: PeerRole) {
    this.#connection = connection;
    this.#role = role;
    this.#peerRole = peerRole;
    this.peer = new PeerSettings(peerRole);
    this.#guard = new Http2Guard(role.wheel);
  }

  /** A frame has begun and is not whole. */
  get inFrame(): boolean {
    return this.#reader.inFrame;
  }

  /** So has a frame that nothing is read of before it is whole, or a field block. */
  get withheld(): boolean {
    return this.#reader.withheld;
  }

  /** Counts frames and field blocks that began. */
  get begun(): number {
    return this.#reader.begun;
  }

  // HOT: per frame.
  read(bytes: Buffer, start: number, end: number): void {
    this.#reader.read(bytes, start, end);
  }

  /** Nothing is read any more. */
  stop(): void {
    this.#reader.stop();
    this.#guard.stop();
  }

  /** A block that no stream gets still changes the decoder's table; false when it broke it. */
  dropBlock(block: Buffer, start: number, end: number): boolean {
    return this.heads.drop(block, start, end) || this.compressionFault();
  }

  onFrame(type: number, length: number, flags: number): void {
    this.#counted(this.#guard.frame(type, length, flags));
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
    const size = end - start;
    if (size === 0 && flowBytes > 0 && !endStream && !this.#counted(this.#guard.padding())) return;
    this.#charge(flowBytes);
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) return this.closedFrame(id);
    if (stream.remoteEnded) return this.streamFault(id, closedFault(id));
    if (!stream.headSeen) return this.streamFault(id, malformed('DATA before the head.'));
    stream.receiveWindow -= flowBytes;
    if (stream.receiveWindow < 0) {
      const sentence = `Stream ${id} got more DATA than its window.`;
      return this.streamFault(id, windowFault(sentence));
    }
    stream.moved = true;
    this.#connection.message();
    if (stream.remaining !== LENGTH_UNKNOWN) {
      stream.remaining -= size;
      if (stream.remaining < 0) {
        return this.streamFault(id, malformed('The body is longer than its content-length.'));
      }
    }
    if (size > 0) stream.events.streamData(bytes, start, end);
    if (endStream && !stream.over) this.#connection.remoteEnd(stream);
    // Padding goes no further: its credit is due at once.
    else if (flowBytes > size) this.#connection.credit(stream, flowBytes - size);
  }

  /**
   * Takes connection credit and returns it by halves of the window: so no frame can exceed what is
   * left of it, however fast the peer is.
   */
  #charge(flowBytes: number): void {
    this.#owed += flowBytes;
    if (this.#owed < limits.connectionWindowBytes / 2) return;
    this.#connection.output.windowUpdate(0, this.#owed);
    this.#owed = 0;
  }

  onHeaders(id: number, block: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#connection.streams.get(id);
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
      const limit = trailers === 'too-large' ? 'head-size' : undefined;
      return this.streamFault(
        stream.id,
        http2Fault(PROTOCOL_ERROR, `The trailers ${what}.`, limit),
      );
    }
    if (trailers.fieldCount > 0 && stream.remaining <= 0) stream.events.streamTrailers(trailers);
    if (!stream.over) this.#connection.remoteEnd(stream);
  }

  onReset(id: number, code: number): void {
    const stream = this.#connection.streams.get(id);
    // A server that resets what we asked for costs us nothing that we did not ask for.
    const abuse = stream === undefined || this.#peerRole === 'client';
    if (abuse && !this.countReset()) return;
    if (stream === undefined) {
      if (!this.#role.mayBe(id)) this.#idleFault(id);
      return;
    }
    stream.over = true;
    stream.events.streamReset(code);
    this.#connection.forget(stream);
  }

  /** The peer has begun work and dropped it, or made us drop it; false when that was too often. */
  countReset(): boolean {
    return this.#counted(this.#guard.resetStream());
  }

  #counted(tooMany: Http2Fault | undefined): boolean {
    if (tooMany !== undefined) this.#connection.fault(tooMany);
    return !this.#connection.gone;
  }

  onSettings(payload: Buffer, start: number, end: number): void {
    this.started = true;
    const before = this.#connection.output.streamWindow;
    const fault = this.peer.apply(payload, start, end);
    if (fault !== undefined) return this.#connection.fault(fault);
    const { peer } = this;
    const { output } = this.#connection;
    // Down first where it went down and up again (RFC 7541 4.2).
    output.heads.setPeerTableBytesMax(peer.headerTableBytesLeast);
    output.heads.setPeerTableBytesMax(peer.headerTableBytes);
    output.streamWindow = peer.initialWindowBytes;
    output.settingsAck();
    const change = peer.initialWindowBytes - before;
    if (change !== 0) this.#changeWindows(change);
    if (!this.#connection.gone) this.#role.settingsChanged();
  }

  /** Streams that are open follow a new initial window, also below zero (RFC 9113 6.9.2). */
  #changeWindows(change: number): void {
    const { output, streams } = this.#connection;
    // All of them first: one that ends makes room for others, which begin with the new window.
    for (const stream of streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_BYTES_MAX) {
        const sentence = `SETTINGS_INITIAL_WINDOW_SIZE overflows the window of stream ${stream.id}.`;
        return this.#connection.fault(windowFault(sentence));
      }
      if (change > 0) output.wake(stream);
    }
    output.pump();
  }

  onSettingsAck(): void {
    this.#connection.settingsAcked();
  }

  onPing(payload: Buffer, start: number): void {
    this.#connection.output.pingAck(payload, start);
  }

  onPingAck(payload: Buffer, start: number): void {
    this.#role.pingAcked(payload, start);
  }

  onGoaway(lastStream: number, code: number): void {
    this.#role.goaway(lastStream, code);
  }

  // HOT: per frame.
  onWindowUpdate(id: number, increment: number): void {
    const { output } = this.#connection;
    if (id === 0) {
      output.window += increment;
      if (output.window <= WINDOW_BYTES_MAX) return output.pump();
      return this.#connection.fault(windowFault('The connection window overflows.'));
    }
    const stream = this.#connection.streams.get(id);
    if (stream === undefined) {
      if (!this.#role.mayBe(id)) this.#idleFault(id);
      return;
    }
    stream.sendWindow += increment;
    stream.moved = true;
    if (stream.sendWindow > WINDOW_BYTES_MAX) {
      return this.streamFault(id, windowFault(`The window of stream ${id} overflows.`));
    }
    output.wake(stream);
    output.pump();
  }

  onPushPromise(): void {
    this.#connection.fault({
      code: PROTOCOL_ERROR,
      sentence: 'PUSH_PROMISE, which SETTINGS had forbidden.',
    });
  }

  onPriority(): void {}

  onFault(fault: Http2Fault): void {
    this.#connection.fault(fault);
  }

  onStreamFault(id: number, fault: Http2Fault): void {
    if (!this.#connection.streams.has(id) && !this.#role.mayBe(id))
      return this.#connection.fault(fault);
    this.streamFault(id, fault);
  }

  /** The peer broke the protocol on one stream only: RST_STREAM, and the others live on. */
  streamFault(id: number, fault: Http2Fault): void {
    const stream = this.#connection.streams.get(id);
    if (fault.limit !== undefined) this.#role.limitHit(fault.limit);
    if (stream !== undefined) {
      this.#connection.refuse(id, fault.code);
      stream.over = true;
      stream.events.streamFault(fault);
      this.#connection.forget(stream);
    } else if (this.#connection.closedStreams.whatWas(id) !== 'reset') {
      this.#connection.refuse(id, fault.code);
    }
    if (!this.#connection.gone) this.countReset();
  }

  /** A frame other than PRIORITY, WINDOW_UPDATE and RST_STREAM for a stream that is not open. */
  closedFrame(id: number): void {
    if (!this.#role.mayBe(id)) return this.#idleFault(id);
    const was = this.#connection.closedStreams.whatWas(id);
    if (was === 'reset') return;
    if (was === 'ended') return this.#connection.fault(closedFault(id));
    this.#idleFault(id);
  }

  #idleFault(id: number): void {
    this.#connection.fault({
      code: PROTOCOL_ERROR,
      sentence: `A frame for stream ${id}, which is idle.`,
    });
  }

  /** A header block broke the decoder's table: nothing can be read any more. */
  compressionFault(): false {
    this.#connection.fault({
      code: COMPRESSION_ERROR,
      sentence: 'A header block cannot be decoded.',
    });
    return false;
  }
}

const windowFault = (sentence: string): Http2Fault =>
  http2Fault(FLOW_CONTROL_ERROR, sentence, 'window');

const malformed = (sentence: string): Http2Fault => ({ code: PROTOCOL_ERROR, sentence });

const closedFault = (id: number): Http2Fault => ({
  code: STREAM_CLOSED,
  sentence: `A frame for stream ${id}, which its sender had ended`,
});
