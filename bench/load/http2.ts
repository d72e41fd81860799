/**
 * HTTP/2 in cleartext with prior knowledge (RFC 9113 section 3.3): many requests at a time on each
 * connection. What falls due at one moment leaves in one write, as with any client that carries
 * many. Windows are so large that the server waits for us never: what is measured is not ours.
 *
 *   send ──> opened (or waiting, while the server takes no more streams) ──> answered | failed
 *              └─ with a body: DATA as far as the server's windows go
 *   send ──> the next message of the ticket's gRPC call ──> answered (the call rests) | failed
 */
import { CANCEL, NO_ERROR, errorCodeName } from '../../proxy/codec/http2/error-code.ts';
import type { Client, Outcomes, Session, Wire } from './client.ts';
import { Http2Frames, type Http2FrameEvents } from './http2-frames.ts';
import { GrpcCalls, GrpcHeads } from './grpc-heads.ts';
import { Http2Output } from './http2-output.ts';
import { RequestBlocks, RequestFields } from './http2-request-blocks.ts';
import { Http2StatusReader, NO_STATUS } from './http2-status.ts';
import { Http2Stream } from './http2-stream.ts';
import { Http2Upload } from './http2-upload.ts';
import type { LoadPlan, RequestShape } from './plan.ts';
import type { RequestHeads } from './request-heads.ts';

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
  readonly #heads: () => RequestHeads;

  constructor(plan: Pick<LoadPlan, 'authority' | 'requests' | 'seed' | 'streamsPerConnection'>) {
    this.requestsAtOnce = plan.streamsPerConnection ?? 1;
    this.#shapes = plan.requests;
    this.#heads = headsOf(plan);
  }

  createSession(wire: Wire, outcomes: Outcomes): Session {
    return new Http2Session(this.#shapes, this.#heads(), wire, outcomes);
  }
}

/** Makes the heads of one connection. */
function headsOf(plan: Pick<LoadPlan, 'authority' | 'requests' | 'seed'>): () => RequestHeads {
  if (plan.requests.some(({ grpc }) => grpc !== undefined)) {
    const calls = new GrpcCalls(plan);
    return () => new GrpcHeads(calls);
  }
  const fields = new RequestFields(plan);
  return () => new RequestBlocks(fields);
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
  readonly #heads: RequestHeads;
  readonly #upload: Http2Upload<Http2Stream>;
  readonly #frames = new Http2Frames(this);
  readonly #statuses = new Http2StatusReader();
  /** By id. */
  readonly #streams = new Map<number, Http2Stream>();
  /** By ticket: gRPC calls that await their next message. */
  readonly #resting = new Map<number, Http2Stream>();
  readonly #spare: Http2Stream[] = [];
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
    heads: RequestHeads,
    wire: Wire,
    outcomes: Outcomes,
  ) {
    this.#shapes = shapes;
    this.#outcomes = outcomes;
    this.#output = new Http2Output(wire);
    this.#heads = heads;
    this.#upload = new Http2Upload(this.#output);
    this.#greet();
  }

  send(ticket: number, shape: number): void {
    const call = this.#resting.size > 0 ? this.#resting.get(ticket) : undefined;
    if (call !== undefined) {
      this.#resting.delete(ticket);
      call.nextMessage();
      this.#upload.add(call);
    } else if (this.#draining || this.#streams.size >= this.#streamsMax) {
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
    const failed = [...this.#streams.values()].filter(({ busy }) => busy);
    this.#streams.clear();
    this.#resting.clear();
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
    if (endStream) {
      stream.grpcStatus = this.#statuses.grpcStatus;
      this.#answered(stream);
    }
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
    if (stream.mayRest) this.#rest(stream);
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
      if (stream.busy) this.#outcomes.unprocessed(stream.ticket);
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
    const stream = this.#spare.pop() ?? new Http2Stream();
    stream.begin(this.#nextId, ticket, shape, this.#peerStreamWindow);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#writeHead(stream, shapeIndex);
    if (stream.unsentBytes > 0) this.#upload.add(stream);
  }

  #writeHead(stream: Http2Stream, shape: number): void {
    const output = this.#output;
    const bytes = output.room(HEADER_BYTES + this.#heads.bytesMax);
    const start = output.length;
    const end = this.#heads.write(shape, bytes, start + HEADER_BYTES);
    const flags = FLAG_END_HEADERS | (stream.asks ? 0 : FLAG_END_STREAM);
    output.begin(HEADERS, flags, stream.id, end - start - HEADER_BYTES);
    output.length = end;
  }

  #setting(id: number, value: number): void {
    if (id === SETTING_HEADER_TABLE_SIZE) this.#heads.limitTable(value);
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
  #answered(stream: Http2Stream): void {
    if (stream.asks) {
      // It answered before it had read all: no use sending the rest.
      this.#output.number(RST_STREAM, stream.id, CANCEL);
      this.#urgent = true;
    }
    this.#conclude(stream, stream.fault);
  }

  /** A call's message was answered; the next may follow. */
  #rest(stream: Http2Stream): void {
    stream.busy = false;
    this.#resting.set(stream.ticket, stream);
    this.#outcomes.answered(stream.ticket);
  }

  #conclude(stream: Http2Stream, fault: string | undefined): void {
    this.#remove(stream);
    if (fault === undefined) this.#outcomes.answered(stream.ticket);
    else if (stream.busy) this.#outcomes.failed(stream.ticket, fault);
    else this.#outcomes.strayed(fault);
    if (this.#waiting.length > 0) this.#openWaiting();
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    if (!stream.busy) this.#resting.delete(stream.ticket);
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
