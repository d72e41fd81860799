/**
 * HTTP/2 in cleartext with prior knowledge (RFC 9113 section 3.3): many requests at a time on each
 * connection. What falls due at one moment leaves in one write, as with any client that carries
 * many. Windows are so large that the server waits for us never: what is measured is not ours.
 *
 *   send ──> opened (or waiting, while the server takes no more streams) ──> answered | failed
 *              └─ with a body: DATA as far as the server's windows go
 */
import { CANCEL, NO_ERROR, errorCodeName } from '../../proxy/codec/http2/error-code.ts';
import type { Client, Outcomes, Session, Wire } from './client.ts';
import { Http2Frames, type Http2FrameEvents } from './http2-frames.ts';
import { Http2Output } from './http2-output.ts';
import { RequestBlocks, RequestFields } from './http2-request-blocks.ts';
import { Http2StatusReader, NO_STATUS } from './http2-status.ts';
import { Http2Upload, type UploadingStream } from './http2-upload.ts';
import type { LoadPlan, RequestShape } from './plan.ts';

const ERROR_STATUS = 400;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const FLAG_ACK = 0x1;
const FLAG_END_STREAM = 0x1;
const FLAG_END_HEADERS = 0x4;

const SETTING_HEADER_TABLE_SIZE = 1;
const SETTING_ENABLE_PUSH = 2;
const SETTING_MAX_CONCURRENT_STREAMS = 3;
const SETTING_INITIAL_WINDOW_SIZE = 4;

/** What the server may send on a stream, and on the connection, before it hears of us. */
const STREAM_WINDOW = 2 ** 24;
const CONNECTION_WINDOW = 2 ** 30;
const INITIAL_WINDOW = 65_535;

const HEADER_BYTES = 9;

/** The client side of HTTP/2 for a plan. */
export class Http2Client implements Client {
  readonly requestsAtOnce: number;
  readonly #shapes: readonly RequestShape[];
  readonly #fields: RequestFields;

  constructor(plan: Pick<LoadPlan, 'authority' | 'requests' | 'streamsPerConnection'>) {
    this.requestsAtOnce = plan.streamsPerConnection ?? 1;
    this.#shapes = plan.requests;
    this.#fields = new RequestFields(plan);
  }

  createSession(wire: Wire, outcomes: Outcomes): Session {
    return new Http2Session(this.#shapes, this.#fields, wire, outcomes);
  }
}

/** A request under way; the object of one that ended is used again. */
class Stream implements UploadingStream {
  id = 0;
  ticket = 0;
  /** Of the answer; NO_STATUS until its head came. */
  status = NO_STATUS;
  answerBytes: number | undefined;
  bodyBytes = 0;
  unsentBytes = 0;
  windowBytes = 0;
  /** Received and not yet given back to the server's window. */
  owedBytes = 0;
}

/** A request that the server has no room for yet. */
interface Waiting {
  readonly ticket: number;
  readonly shape: number;
}

class Http2Session implements Session, Http2FrameEvents {
  readonly #shapes: readonly RequestShape[];
  readonly #outcomes: Outcomes;
  readonly #output: Http2Output;
  readonly #blocks: RequestBlocks;
  readonly #upload: Http2Upload;
  readonly #frames = new Http2Frames(this);
  readonly #statuses = new Http2StatusReader();
  /** By id. */
  readonly #streams = new Map<number, Stream>();
  readonly #spare: Stream[] = [];
  readonly #waiting: Waiting[] = [];
  #nextId = 1;
  #streamsMax = Infinity;
  #peerStreamWindow = INITIAL_WINDOW;
  /** Received on the connection and not yet given back. */
  #owedBytes = 0;
  /** GOAWAY came: no stream is opened any more. */
  #draining = false;
  /** Why the server gives the connection up, when that is not its usual end. */
  #goawayFault: string | undefined;
  /** Something was gathered that must not wait for requests. */
  #urgent = false;

  constructor(
    shapes: readonly RequestShape[],
    fields: RequestFields,
    wire: Wire,
    outcomes: Outcomes,
  ) {
    this.#shapes = shapes;
    this.#outcomes = outcomes;
    this.#output = new Http2Output(wire);
    this.#blocks = new RequestBlocks(fields);
    this.#upload = new Http2Upload(this.#output);
    this.#greet();
  }

  send(ticket: number, shape: number): void {
    if (this.#draining || this.#streams.size >= this.#streamsMax) {
      this.#waiting.push({ ticket, shape });
    } else {
      this.#open(ticket, shape);
    }
  }

  flush(): void {
    do this.#upload.pump();
    while (this.#output.flush());
  }

  drained(): void {
    this.#output.drained();
    this.flush();
  }

  receive(bytes: Buffer, length: number): boolean {
    if (!this.#frames.read(bytes, length)) return false;
    if (this.#urgent || this.#upload.underWay) {
      this.#urgent = false;
      this.flush();
    }
    return !this.#draining || this.#streams.size > 0;
  }

  end(reason: string): void {
    const why = this.#goawayFault ?? reason;
    const failed = [...this.#streams.values()];
    this.#streams.clear();
    this.#upload.clear();
    for (const { ticket } of failed) this.#outcomes.failed(ticket, why);
    for (const { ticket } of this.#waiting.splice(0)) {
      // Of a server that said it goes away nothing else was to be expected.
      if (this.#draining) this.#outcomes.unprocessed(ticket);
      else this.#outcomes.failed(ticket, why);
    }
  }

  onHead(id: number, block: Buffer, start: number, end: number, endStream: boolean): boolean {
    // Whoever it is for: the table must not miss a block.
    const status = this.#statuses.read(block, start, end);
    const stream = this.#streams.get(id);
    if (status < 0) return false;
    if (stream === undefined) return this.#wasOpened(id);
    if (status === NO_STATUS) {
      if (stream.status === NO_STATUS || !endStream) return false;
    } else if (status < 200) {
      // An interim answer: the real one follows.
      return !endStream && status !== 101 && stream.status === NO_STATUS;
    } else {
      if (stream.status !== NO_STATUS) return false;
      stream.status = status;
    }
    if (endStream) this.#answered(stream);
    return true;
  }

  onData(id: number, length: number, flowBytes: number, endStream: boolean): boolean {
    this.#owedBytes += flowBytes;
    if (this.#owedBytes > CONNECTION_WINDOW / 2) {
      this.#giveBack(0, this.#owedBytes);
      this.#owedBytes = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#wasOpened(id);
    if (stream.status === NO_STATUS) return false;
    stream.bodyBytes += length;
    if (endStream) {
      this.#answered(stream);
      return true;
    }
    stream.owedBytes += flowBytes;
    if (stream.owedBytes > STREAM_WINDOW / 2) {
      this.#giveBack(id, stream.owedBytes);
      stream.owedBytes = 0;
    }
    return true;
  }

  onReset(id: number, code: number): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined) return this.#wasOpened(id);
    this.#conclude(stream, `stream ${errorCodeName(code)}`);
    return true;
  }

  onSettings(payload: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) {
      this.#setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    this.#output.begin(SETTINGS, FLAG_ACK, 0, 0);
    this.#urgent = true;
    this.#openWaiting();
  }

  onPing(payload: Buffer, start: number): void {
    const bytes = this.#output.begin(PING, FLAG_ACK, 0, 8);
    payload.copy(bytes, this.#output.length, start, start + 8);
    this.#output.length += 8;
    this.#urgent = true;
  }

  onGoaway(lastStream: number, code: number): void {
    this.#draining = true;
    if (code !== NO_ERROR) {
      this.#goawayFault = `goaway ${errorCodeName(code)}`;
      if (this.#streams.size === 0) this.#outcomes.strayed(this.#goawayFault);
      return;
    }
    for (const stream of this.#streams.values()) {
      if (stream.id <= lastStream) continue;
      this.#remove(stream);
      this.#outcomes.unprocessed(stream.ticket);
    }
  }

  onWindow(id: number, increment: number): void {
    if (id === 0) {
      this.#upload.windowBytes += increment;
      return;
    }
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.windowBytes += increment;
  }

  /** The first bytes of a connection: the preface, what we want, and a window for all streams. */
  #greet(): void {
    const output = this.#output;
    output.length += PREFACE.copy(output.room(PREFACE.length), output.length);
    const bytes = output.begin(SETTINGS, 0, 0, 12);
    output.length = bytes.writeUInt16BE(SETTING_ENABLE_PUSH, output.length);
    output.length = bytes.writeUInt32BE(0, output.length);
    output.length = bytes.writeUInt16BE(SETTING_INITIAL_WINDOW_SIZE, output.length);
    output.length = bytes.writeUInt32BE(STREAM_WINDOW, output.length);
    output.number(WINDOW_UPDATE, 0, CONNECTION_WINDOW - INITIAL_WINDOW);
  }

  #open(ticket: number, shapeIndex: number): void {
    const shape = this.#shapes[shapeIndex];
    if (shape === undefined) throw new Error(`there is no request shape ${shapeIndex}`);
    const stream = this.#spare.pop() ?? new Stream();
    stream.id = this.#nextId;
    this.#nextId += 2;
    stream.ticket = ticket;
    stream.status = NO_STATUS;
    stream.answerBytes = shape.answerBytes;
    stream.bodyBytes = 0;
    stream.unsentBytes = shape.bodyBytes;
    stream.windowBytes = this.#peerStreamWindow;
    stream.owedBytes = 0;
    this.#streams.set(stream.id, stream);
    this.#writeHead(stream, shapeIndex);
    if (stream.unsentBytes > 0) this.#upload.add(stream);
  }

  #writeHead(stream: Stream, shape: number): void {
    const output = this.#output;
    const bytes = output.room(HEADER_BYTES + this.#blocks.bytesMax);
    const start = output.length;
    const end = this.#blocks.write(shape, bytes, start + HEADER_BYTES);
    const flags = FLAG_END_HEADERS | (stream.unsentBytes === 0 ? FLAG_END_STREAM : 0);
    output.begin(HEADERS, flags, stream.id, end - start - HEADER_BYTES);
    output.length = end;
  }

  #setting(id: number, value: number): void {
    if (id === SETTING_HEADER_TABLE_SIZE) this.#blocks.limitTable(value);
    else if (id === SETTING_MAX_CONCURRENT_STREAMS) this.#streamsMax = value;
    else if (id === SETTING_INITIAL_WINDOW_SIZE) {
      // What is open already follows (RFC 9113 section 6.9.2).
      const change = value - this.#peerStreamWindow;
      this.#peerStreamWindow = value;
      for (const stream of this.#streams.values()) stream.windowBytes += change;
    }
  }

  #giveBack(id: number, bytes: number): void {
    this.#output.number(WINDOW_UPDATE, id, bytes);
    this.#urgent = true;
  }

  /** Whether a stream that is not open was: then what comes of it is late, not wrong. */
  #wasOpened(id: number): boolean {
    return id % 2 === 1 && id < this.#nextId;
  }

  /** The whole answer is there. */
  #answered(stream: Stream): void {
    if (stream.unsentBytes > 0) {
      // It answered before it had read all: no use sending the rest.
      this.#output.number(RST_STREAM, stream.id, CANCEL);
      this.#urgent = true;
    }
    this.#conclude(stream, faultOf(stream));
  }

  #conclude(stream: Stream, fault: string | undefined): void {
    this.#remove(stream);
    if (fault === undefined) this.#outcomes.answered(stream.ticket);
    else this.#outcomes.failed(stream.ticket, fault);
    if (this.#waiting.length > 0) this.#openWaiting();
  }

  #remove(stream: Stream): void {
    this.#streams.delete(stream.id);
    if (stream.unsentBytes > 0) this.#upload.remove(stream);
    this.#spare.push(stream);
  }

  #openWaiting(): void {
    while (!this.#draining && this.#streams.size < this.#streamsMax) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#open(next.ticket, next.shape);
      this.#urgent = true;
    }
  }
}

/** What is wrong with a whole answer. */
function faultOf({ answerBytes, bodyBytes, status }: Stream): string | undefined {
  if (status >= ERROR_STATUS) return `status ${status}`;
  return answerBytes !== undefined && bodyBytes !== answerBytes ? 'body length' : undefined;
}
