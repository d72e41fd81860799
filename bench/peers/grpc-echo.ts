/**
 * The server side of gRPC on one HTTP/2 connection, as cheap as it can be: each message is answered
 * by one of the same length as soon as it is whole, and the end of the request by status 0. Which
 * method was called, by whom and how long it may take is not read: what a request says is the
 * business of the proxy before it.
 *
 *   HEADERS ──> DATA: a message ──> … ──> END_STREAM            (the caller)
 *               HEADERS, DATA: a message ──> … ──> HEADERS: grpc-status 0, END_STREAM
 */
import type { Reader, Wire } from '../load/client.ts';
import { writeInteger } from '../load/hpack-integer.ts';
import { Http2Frames, type Http2FrameEvents } from '../load/http2-frames.ts';
import { Http2Output } from '../load/http2-output.ts';
import { Http2Upload, MESSAGE_PREFIX_BYTES, type UploadingStream } from '../load/http2-upload.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const FLAG_ACK = 0x1;
const FLAG_END_STREAM = 0x1;
const FLAG_END_HEADERS = 0x4;

const SETTING_HEADER_TABLE_SIZE = 1;
const SETTING_INITIAL_WINDOW_SIZE = 4;

/** What the caller may send on a call, and on the connection, before it hears of us. */
const STREAM_WINDOW = 2 ** 24;
const CONNECTION_WINDOW = 2 ** 30;
const INITIAL_WINDOW = 65_535;
/** Size of a table that nobody said anything about (RFC 9113 section 6.5.2). */
const TABLE_BYTES = 4_096;

/** ":status: 200", of the static table. */
const STATUS_200 = Buffer.from([0x88]);
const CONTENT_TYPE = 31;
const stringOf = (text: string): Buffer =>
  Buffer.from(`${String.fromCharCode(text.length)}${text}`);
const TYPE_VALUE = stringOf('application/grpc');
const GRPC_STATUS_NAME = stringOf('grpc-status');
const GOOD = stringOf('0');
/** INTERNAL: the request ended amid a message. */
const BROKEN = stringOf('13');

const INTEGER_BYTES_MAX = 8;

/** A field that names its name by `index`, or says it first when that is 0. */
function literal(
  kind: number,
  prefixBits: number,
  index: number,
  ...strings: readonly Buffer[]
): Buffer {
  const start = Buffer.alloc(INTEGER_BYTES_MAX);
  const end = writeInteger(start, 0, kind, prefixBits, index);
  return Buffer.concat([start.subarray(0, end), ...strings]);
}
const indexed = (index: number, ...strings: readonly Buffer[]): Buffer =>
  literal(0x40, 6, index, ...strings);
const notIndexed = (index: number, ...strings: readonly Buffer[]): Buffer =>
  literal(0x00, 4, index, ...strings);

const TYPE_FIRST = indexed(CONTENT_TYPE, TYPE_VALUE);
const TYPE_PLAIN = notIndexed(CONTENT_TYPE, TYPE_VALUE);
const STATUS_FIRST = indexed(0, GRPC_STATUS_NAME, GOOD);
const STATUS_PLAIN = notIndexed(0, GRPC_STATUS_NAME, GOOD);
const STATUS_BROKEN = notIndexed(0, GRPC_STATUS_NAME, BROKEN);
/** The newest entry of the dynamic table, and the one before. */
const NEWEST = Buffer.from([0x80 | 62]);
const BEFORE_NEWEST = Buffer.from([0x80 | 63]);

/** A call, from its head to its last byte. */
class Call implements UploadingStream {
  readonly id: number;
  readonly messageBytes: number;
  readonly ends = false;
  unsentBytes = 0;
  windowBytes: number;
  receivedBytes = 0;
  /** Of those received, answered or about to be. */
  answeredBytes = 0;
  /** Received and not yet given back to the caller's window. */
  owedBytes = 0;
  /** The head of the answer was sent. */
  begun = false;
  /** The request is whole. */
  complete = false;

  constructor(id: number, messageBytes: number, windowBytes: number) {
    this.id = id;
    this.messageBytes = messageBytes;
    this.windowBytes = windowBytes;
  }
}

/** One connection. */
export class GrpcEcho implements Reader, Http2FrameEvents {
  readonly #output: Http2Output;
  readonly #upload: Http2Upload<Call>;
  readonly #frames = new Http2Frames(this);
  readonly #messageBytes: number;
  readonly #calls = new Map<number, Call>();
  #prefaceLeft = PREFACE.length;
  #peerStreamWindow = INITIAL_WINDOW;
  #owedBytes = 0;
  #indexes = true;
  /** What the table has: the type from the first answer on, then the status. */
  #typeSaid = false;
  #statusSaid = false;

  /** `messageBytes`: length of every message, without its prefix. */
  constructor(wire: Wire, messageBytes: number) {
    this.#messageBytes = messageBytes + MESSAGE_PREFIX_BYTES;
    this.#output = new Http2Output(wire);
    this.#upload = new Http2Upload<Call>(this.#output, (call) => this.#sent(call));
    const bytes = this.#output.begin(SETTINGS, 0, 0, 6);
    this.#output.length = bytes.writeUInt16BE(SETTING_INITIAL_WINDOW_SIZE, this.#output.length);
    this.#output.length = bytes.writeUInt32BE(STREAM_WINDOW, this.#output.length);
    this.#output.number(WINDOW_UPDATE, 0, CONNECTION_WINDOW - INITIAL_WINDOW);
  }

  receive(bytes: Buffer, length: number): boolean {
    const skipped = Math.min(this.#prefaceLeft, length);
    const at = PREFACE.length - this.#prefaceLeft;
    if (skipped > 0 && PREFACE.compare(bytes, 0, skipped, at, at + skipped) !== 0) return false;
    this.#prefaceLeft -= skipped;
    const frames = skipped === 0 ? bytes : bytes.subarray(skipped);
    const isWell = this.#frames.read(frames, length - skipped);
    this.#flush();
    return isWell;
  }

  drained(): void {
    this.#output.drained();
    this.#flush();
  }

  end(): void {
    this.#calls.clear();
    this.#upload.clear();
  }

  onHead(id: number, _block: Buffer, _start: number, _end: number, endStream: boolean): boolean {
    let call = this.#calls.get(id);
    if (call === undefined) {
      call = new Call(id, this.#messageBytes, this.#peerStreamWindow);
      this.#calls.set(id, call);
    }
    if (endStream) this.#completed(call);
    return true;
  }

  onData(id: number, length: number, flowBytes: number, endStream: boolean): boolean {
    this.#owedBytes += flowBytes;
    if (this.#owedBytes > CONNECTION_WINDOW / 2) {
      this.#output.number(WINDOW_UPDATE, 0, this.#owedBytes);
      this.#owedBytes = 0;
    }
    const call = this.#calls.get(id);
    // It ended, or the caller took it back.
    if (call === undefined) return true;
    call.receivedBytes += length;
    call.owedBytes += flowBytes;
    if (call.owedBytes > STREAM_WINDOW / 2) {
      this.#output.number(WINDOW_UPDATE, id, call.owedBytes);
      call.owedBytes = 0;
    }
    this.#answer(call);
    if (endStream) this.#completed(call);
    return true;
  }

  onReset(id: number): boolean {
    const call = this.#calls.get(id);
    if (call !== undefined && call.unsentBytes > 0) this.#upload.remove(call);
    this.#calls.delete(id);
    return true;
  }

  onSettings(payload: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      const id = payload.readUInt16BE(at);
      if (id === SETTING_HEADER_TABLE_SIZE && value < TABLE_BYTES) this.#indexes = false;
      if (id === SETTING_INITIAL_WINDOW_SIZE) this.#changeWindows(value);
    }
    this.#output.begin(SETTINGS, FLAG_ACK, 0, 0);
  }

  onPing(payload: Buffer, start: number): void {
    const bytes = this.#output.begin(PING, FLAG_ACK, 0, 8);
    payload.copy(bytes, this.#output.length, start, start + 8);
    this.#output.length += 8;
  }

  /** The caller opens no more streams; those that are open go on. */
  onGoaway(): void {}

  onWindow(id: number, increment: number): void {
    if (id === 0) {
      this.#upload.windowBytes += increment;
      return;
    }
    const call = this.#calls.get(id);
    if (call !== undefined) call.windowBytes += increment;
  }

  /** What is open already follows (RFC 9113 section 6.9.2). */
  #changeWindows(value: number): void {
    for (const call of this.#calls.values()) call.windowBytes += value - this.#peerStreamWindow;
    this.#peerStreamWindow = value;
  }

  #flush(): void {
    do this.#upload.pump();
    while (this.#output.flush());
  }

  /** Answers the messages that are whole. */
  #answer(call: Call): void {
    const whole = call.receivedBytes - (call.receivedBytes % call.messageBytes);
    if (whole === call.answeredBytes) return;
    if (!call.begun) {
      call.begun = true;
      this.#frame(call.id, 0, STATUS_200, this.#type());
    }
    if (call.unsentBytes === 0) this.#upload.add(call);
    call.unsentBytes += whole - call.answeredBytes;
    call.answeredBytes = whole;
  }

  #completed(call: Call): void {
    call.complete = true;
    if (call.unsentBytes === 0) this.#end(call);
  }

  #sent(call: Call): void {
    if (call.complete) this.#end(call);
  }

  #end(call: Call): void {
    this.#calls.delete(call.id);
    const isWhole = call.receivedBytes % call.messageBytes === 0;
    if (call.begun) this.#frame(call.id, FLAG_END_STREAM, this.#status(isWhole));
    else this.#frame(call.id, FLAG_END_STREAM, STATUS_200, this.#type(), this.#status(isWhole));
  }

  #type(): Buffer {
    if (!this.#indexes) return TYPE_PLAIN;
    if (this.#typeSaid) return this.#statusSaid ? BEFORE_NEWEST : NEWEST;
    this.#typeSaid = true;
    return TYPE_FIRST;
  }

  /** Only a good one is indexed: the table stays as it is. */
  #status(isWhole: boolean): Buffer {
    if (!isWhole) return STATUS_BROKEN;
    if (!this.#indexes) return STATUS_PLAIN;
    if (this.#statusSaid) return NEWEST;
    this.#statusSaid = true;
    return STATUS_FIRST;
  }

  #frame(id: number, flags: number, ...fields: readonly Buffer[]): void {
    const length = fields.reduce((sum, field) => sum + field.length, 0);
    const bytes = this.#output.begin(HEADERS, FLAG_END_HEADERS | flags, id, length);
    for (const field of fields) this.#output.length += field.copy(bytes, this.#output.length);
  }
}
