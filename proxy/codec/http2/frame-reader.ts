/**
 * Reads frames of HTTP/2 from bytes cut anywhere (RFC 9113 sections 4 and 6).
 *
 *            9 octets                    known type, all of it in view
 *   HEADER ───────────┬──────────────────────────────────────────────────> event ─> HEADER
 *     ^               ├─ DATA ──────> DATA: pieces as they come, not copied ──┤
 *     |               ├─ unknown ───> SKIP ───────────────────────────────────┤
 *     |               └─ cut ───────> COLLECT: copied until whole ──> event ──┤
 *     └───────────────────────────────────────────────────────────────────────┘
 *
 * A field block goes on through CONTINUATION: until it ends nothing else may come. All that can be
 * judged without the state of streams is judged here (frame-fault.ts). Held at most: one payload
 * (16 KiB, grown as it arrives) and one unfinished block (4 x headBytesMax).
 */
import type { Http2Fault } from './error-code.ts';
import { FieldBlock } from './field-block.ts';
import {
  DEPENDS_ON_ITSELF,
  EMPTY_STREAM_UPDATE,
  EMPTY_UPDATE,
  headerFault,
  NO_BLOCK_OPEN,
  NOT_SETTINGS_FIRST,
  PADDING_TOO_LONG,
  PRIORITY_BYTES,
  PRIORITY_LENGTH,
} from './frame-fault.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADER_BYTES,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
  uint31,
  uint32,
} from './frame.ts';
import { Gathered } from './gathered.ts';

/**
 * What a reader tells. Buffers are lent for the call. After onFault and onPushPromise nothing
 * follows: the reader has stopped.
 */
export interface FrameEvents {
  /**
   * HOT: per frame. Every frame, known or not, before its own event: for counters against floods.
   * `length` is that of the payload.
   */
  onFrame(type: number, length: number, flags: number): void;
  /**
   * HOT: per frame. A piece of DATA as it arrived: bytes [start, end), maybe none. `flowBytes` is
   * what it takes from both windows: the data, and padding with its length octet. `endStream` comes
   * with the last piece of the last frame. A frame without data gives one call.
   */
  onData(
    stream: number,
    bytes: Buffer,
    start: number,
    end: number,
    flowBytes: number,
    endStream: boolean,
  ): void;
  /** HOT: per exchange. A whole field block, that of CONTINUATION included. It must be decoded. */
  onHeaders(stream: number, block: Buffer, start: number, end: number, endStream: boolean): void;
  onReset(stream: number, code: number): void;
  /** Payload of SETTINGS: a multiple of 6 octets. */
  onSettings(payload: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  /** PING with its 8 octets at `start`. */
  onPing(payload: Buffer, start: number): void;
  onPingAck(payload: Buffer, start: number): void;
  /** `debug` is the start of the peer's text: printable ASCII, at most 256 characters. */
  onGoaway(lastStream: number, code: number, debug: string): void;
  /** HOT: per frame. `increment` is at least 1; stream 0 is the connection. */
  onWindowUpdate(stream: number, increment: number): void;
  /** Nobody here allows it; the field block behind it is not read. */
  onPushPromise(stream: number): void;
  onPriority(stream: number): void;
  /**
   * A stream error (RFC 9113 5.4.2). The frame is dropped; but HEADERS of a stream that depends on
   * itself follow as onHeaders, because their block must be decoded.
   */
  onStreamFault(stream: number, fault: Http2Fault): void;
  /** A connection error (RFC 9113 5.4.1). */
  onFault(fault: Http2Fault): void;
}

const HEADER = 0;
const DATA = 1;
const SKIP = 2;
const COLLECT = 3;

const DEBUG_BYTES_MAX = 256;

/** Reads the frames of one connection, from its first SETTINGS on, and tells `events` of them. */
export class FrameReader {
  /** Counts up with each frame that begins, but for those that an open field block goes on with. */
  begun = 0;
  readonly #events: FrameEvents;
  #phase: number = HEADER;
  #stopped = false;
  #first = true;
  /** Octets read of a frame header that was cut. */
  #headerHeld = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  /** DATA: octets of the frame still to come, and those that no piece has stood for yet. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #padOctetDue = false;
  #flowBytes = 0;
  /** SKIP: octets still to come. */
  #skipLeft = 0;
  /** COLLECT: what came of the payload. */
  readonly #held = new Gathered();
  /** What came of a field block that goes on. */
  readonly #block = new FieldBlock();

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** Nothing more is read; may be called from within an event. */
  stop(): void {
    this.#stopped = true;
    this.#held.clear();
    this.#block.gathered.clear();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** A frame or a field block has begun and not ended. */
  get inFrame(): boolean {
    return this.#phase !== HEADER || this.#headerHeld > 0 || this.#block.stream !== 0;
  }

  /** So has one other than DATA, of which nothing is told before it is whole. */
  get withheld(): boolean {
    return this.#phase !== DATA && this.inFrame;
  }

  /** HOT: per frame. Reads bytes [start, end), the continuation of what was read before. */
  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#stopped) {
      const phase = this.#phase;
      if (phase === HEADER) at = this.#header(bytes, at, end);
      else if (phase === DATA) at = this.#data(bytes, at, end);
      else if (phase === SKIP) at = this.#skip(at, end);
      else at = this.#collect(bytes, at, end);
    }
  }

  /** HOT: per frame. */
  #header(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#headerHeld === 0 && this.#block.stream === 0) this.begun++;
    if (this.#headerHeld === 0 && end - at >= FRAME_HEADER_BYTES) {
      this.#length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      this.#type = bytes[at + 3] ?? 0;
      this.#flags = bytes[at + 4] ?? 0;
      this.#stream = uint31(bytes, at + 5);
      return this.#begin(bytes, at + FRAME_HEADER_BYTES, end);
    }
    while (at < end && this.#headerHeld < FRAME_HEADER_BYTES) this.#fold(bytes[at++] ?? 0);
    if (this.#headerHeld < FRAME_HEADER_BYTES) return at;
    this.#headerHeld = 0;
    return this.#begin(bytes, at, end);
  }

  /** One octet of a header that was cut. */
  #fold(byte: number): void {
    const i = this.#headerHeld++;
    if (i < 3) this.#length = i === 0 ? byte : (this.#length << 8) | byte;
    else if (i === 3) this.#type = byte;
    else if (i === 4) this.#flags = byte;
    else this.#stream = i === 5 ? byte & 0x7f : (this.#stream << 8) | byte;
  }

  /** HOT: per frame. The header is read, the payload begins at `at`. */
  #begin(bytes: Buffer, at: number, end: number): number {
    const length = this.#length;
    this.#events.onFrame(this.#type, length, this.#flags);
    if (this.#stopped) return at;
    const fault = this.#frameFault();
    if (fault !== undefined) {
      this.#fail(fault);
      return at;
    }
    if (this.#type === FRAME_DATA) return this.#beginData(bytes, at, end);
    if (this.#dropsPayload()) {
      this.#skipLeft = length;
      this.#phase = SKIP;
      return this.#skip(at, end);
    }
    if (end - at >= length) {
      this.#payload(bytes, at, at + length);
      return at + length;
    }
    this.#phase = COLLECT;
    return at;
  }

  /** HOT: per frame. What the header alone says, with what came before it. */
  #frameFault(): Http2Fault | undefined {
    const type = this.#type;
    if (this.#first) {
      this.#first = false;
      if (type !== FRAME_SETTINGS || (this.#flags & FLAG_ACK) !== 0) return NOT_SETTINGS_FIRST;
    }
    const fault = headerFault(type, this.#length, this.#flags, this.#stream);
    if (fault !== undefined) return fault;
    if (this.#block.stream !== 0) {
      return this.#block.faultOf(type, this.#length, this.#flags, this.#stream);
    }
    return type === FRAME_CONTINUATION ? NO_BLOCK_OPEN : undefined;
  }

  #fail(fault: Http2Fault): void {
    this.stop();
    this.#events.onFault(fault);
  }

  /** Whether the payload is of no use; what the frame means is told here. */
  #dropsPayload(): boolean {
    switch (this.#type) {
      case FRAME_PRIORITY:
        if (this.#length === PRIORITY_BYTES) return false;
        this.#events.onStreamFault(this.#stream, PRIORITY_LENGTH);
        return true;
      case FRAME_PUSH_PROMISE:
        this.stop();
        this.#events.onPushPromise(this.#stream);
        return true;
      default:
        return this.#type > FRAME_CONTINUATION;
    }
  }

  #skip(at: number, end: number): number {
    const bytes = Math.min(end - at, this.#skipLeft);
    this.#skipLeft -= bytes;
    if (this.#skipLeft === 0) this.#phase = HEADER;
    return at + bytes;
  }

  /** HOT: per frame. */
  #beginData(bytes: Buffer, at: number, end: number): number {
    const length = this.#length;
    const padded = (this.#flags & FLAG_PADDED) !== 0;
    if (!padded && end - at >= length) {
      const endStream = (this.#flags & FLAG_END_STREAM) !== 0;
      this.#events.onData(this.#stream, bytes, at, at + length, length, endStream);
      return at + length;
    }
    this.#phase = DATA;
    this.#padOctetDue = padded;
    this.#dataLeft = length;
    this.#paddingLeft = 0;
    this.#flowBytes = 0;
    return at;
  }

  /** HOT: per frame. What of a DATA frame is in [from, end), at least one octet. */
  #data(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#padOctetDue) {
      const padding = bytes[at++] ?? 0;
      if (padding >= this.#length) {
        this.#fail(PADDING_TOO_LONG);
        return at;
      }
      this.#padOctetDue = false;
      this.#paddingLeft = padding;
      this.#dataLeft = this.#length - 1 - padding;
      this.#flowBytes = 1;
    }
    const dataBytes = Math.min(end - at, this.#dataLeft);
    const paddingBytes = Math.min(end - at - dataBytes, this.#paddingLeft);
    this.#dataLeft -= dataBytes;
    this.#paddingLeft -= paddingBytes;
    const flowBytes = this.#flowBytes + dataBytes + paddingBytes;
    const whole = this.#dataLeft === 0 && this.#paddingLeft === 0;
    if (whole) this.#phase = HEADER;
    if (dataBytes > 0 || whole) {
      this.#flowBytes = 0;
      const endStream = whole && (this.#flags & FLAG_END_STREAM) !== 0;
      this.#events.onData(this.#stream, bytes, at, at + dataBytes, flowBytes, endStream);
    } else this.#flowBytes = flowBytes;
    return at + dataBytes + paddingBytes;
  }

  #collect(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(end - at, this.#length - this.#held.length);
    this.#held.append(bytes, at, at + taken);
    if (this.#held.length === this.#length) {
      this.#phase = HEADER;
      this.#payload(this.#held.take(), 0, this.#length);
    }
    return at + taken;
  }

  /** HOT: per frame. The whole payload of a frame that headerFault found nothing against. */
  #payload(bytes: Buffer, start: number, end: number): void {
    const events = this.#events;
    const stream = this.#stream;
    const acknowledges = (this.#flags & FLAG_ACK) !== 0;
    switch (this.#type) {
      case FRAME_HEADERS:
        return this.#headers(bytes, start, end);
      case FRAME_WINDOW_UPDATE:
        return this.#windowUpdate(stream, uint31(bytes, start));
      case FRAME_CONTINUATION:
        return this.#fragment(bytes, start, end);
      case FRAME_RST_STREAM:
        return events.onReset(stream, uint32(bytes, start));
      case FRAME_SETTINGS:
        return acknowledges ? events.onSettingsAck() : events.onSettings(bytes, start, end);
      case FRAME_PING:
        return acknowledges ? events.onPingAck(bytes, start) : events.onPing(bytes, start);
      case FRAME_GOAWAY:
        return events.onGoaway(
          uint31(bytes, start),
          uint32(bytes, start + 4),
          debugText(bytes, start + 8, end),
        );
      default: // PRIORITY
        if (uint31(bytes, start) === stream) events.onStreamFault(stream, DEPENDS_ON_ITSELF);
        else events.onPriority(stream);
    }
  }

  #windowUpdate(stream: number, increment: number): void {
    if (increment > 0) this.#events.onWindowUpdate(stream, increment);
    else if (stream === 0) this.#fail(EMPTY_UPDATE);
    else this.#events.onStreamFault(stream, EMPTY_STREAM_UPDATE);
  }

  /** HOT: per exchange. */
  #headers(bytes: Buffer, start: number, end: number): void {
    const flags = this.#flags;
    const stream = this.#stream;
    let from = start;
    let to = end;
    if ((flags & FLAG_PADDED) !== 0) to -= bytes[from++] ?? 0;
    const dependency = from;
    if ((flags & FLAG_PRIORITY) !== 0) from += PRIORITY_BYTES;
    if (from > to) return this.#fail(PADDING_TOO_LONG);
    if (from > dependency && uint31(bytes, dependency) === stream) {
      this.#events.onStreamFault(stream, DEPENDS_ON_ITSELF);
      if (this.#stopped) return;
    }
    const endStream = (flags & FLAG_END_STREAM) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) {
      this.#events.onHeaders(stream, bytes, from, to, endStream);
      return;
    }
    this.#block.begin(stream, endStream);
    this.#fragment(bytes, from, to);
  }

  /** A part of the unfinished field block; the last one is told by END_HEADERS. */
  #fragment(bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    block.gathered.append(bytes, start, end);
    if ((this.#flags & FLAG_END_HEADERS) === 0) return;
    const { length } = block.gathered;
    this.#events.onHeaders(this.#stream, block.take(), 0, length, block.endsStream);
  }
}

/** What people may see of a peer's words. */
function debugText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, Math.min(end, start + DEBUG_BYTES_MAX));
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
