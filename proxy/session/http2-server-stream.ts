/**
 * One exchange as its downstream's stream: the request goes to the exchange, the answer back.
 *
 *   OPEN ─ response head ─> ANSWERING ─ end ─> ANSWERED      each half ends with its END_STREAM;
 *     │                        │                            an answer that ends first leaves the
 *     └─ error: answered       └─ error: cut                request to the exchange, or refuses it
 *
 *   cut: RST_STREAM; a gRPC answer whose upstream was lost ends with trailers that say so
 *
 * A tunnel (RFC 9113 section 8.5, RFC 8441): the request is whole with its head, and the DATA behind
 * it waits, within the stream's window, until the answer grants the tunnel or is another one.
 *
 * An upstream's reset of a gRPC call passes on as one, before the head too: what it means to a caller
 * is told by its code.
 *
 * One whose exchange ended in order is used again for a later stream of its connection: from then on
 * neither the connection nor the exchange knows of it (#settle).
 */
import { hasStatusField, isGrpc } from '../codec/grpc/content-type.ts';
import {
  CANCEL,
  CONNECT_ERROR,
  type Http2Fault,
  INTERNAL_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
} from '../codec/http2/error-code.ts';
import { type HeadFault, contentLengthOf, isLengthKnown } from '../codec/http2/head-reader.ts';
import { isMethod } from '../codec/http1/request-target.ts';
import { timeouts } from '../limits.ts';
import {
  BODY_LENGTH_UNKNOWN,
  BODY_TUNNEL,
  type RequestSink,
  type ResponseSink,
} from '../model/exchange.ts';
import { type Head, ORIG_PROTO_MALFORMED, ORIG_PROTO_NONE, TUNNEL_NONE } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import { HeldBytes } from './held-bytes.ts';
import type { Http2Connection } from './http2-connection.ts';
import { RESPONSE, TRAILERS } from './http2-output.ts';
import { BAD_ORIG_PROTO, headError, ownAnswer, ownTrailers } from './http2-own-head.ts';
import { Http2Stream, type StreamEvents } from './http2-stream.ts';
import type { ServerSide } from './server-session.ts';
import { endsConnection } from './upstream-errors.ts';

/** What has become of a tunnel: not asked for; asked for; granted; or the answer is another one. */
const NO_TUNNEL = 0;
const ASKED = 1;
const GRANTED = 2;
const REFUSED = 3;
type TunnelState = typeof NO_TUNNEL | typeof ASKED | typeof GRANTED | typeof REFUSED;

/** The session, as its streams need it. */
export interface StreamHost {
  /** The connection takes no more streams, and ends with its last one. */
  goodbye(): void;
  /** Nobody refers to `over` any more: it may `begin` again. */
  streamFree(over: Http2ServerStream): void;
}

/** A stream that carries a request and its answer, and then perhaps another. */
export class Http2ServerStream implements StreamEvents, ResponseSink {
  /** Open or not: the connection's view of it. */
  readonly stream: Http2Stream = new Http2Stream(this);
  readonly #side: ServerSide;
  readonly #connection: Http2Connection;
  readonly #host: StreamHost;
  #exchange: RequestSink | undefined = undefined;
  #headRequest = false;
  #grpc = false;
  /** So is the answer, and trailers may end it anywhere. */
  #grpcAnswer = false;
  /** The response head has left. */
  #answering = false;
  /** The answer is complete, or given up. */
  #answered = false;
  /** Nobody reads the rest of the request. */
  #unwanted = false;
  /** The exchange knows that the request is whole, or that the tunnel's half is. */
  #requestEnded = false;
  #tunnel: TunnelState = NO_TUNNEL;
  /** What came of a tunnel that is not granted yet. */
  #early: HeldBytes | undefined = undefined;
  /** The exchange has said all that it says. */
  #complete = false;

  constructor(side: ServerSide, connection: Http2Connection, host: StreamHost) {
    this.#side = side;
    this.#host = host;
    this.#connection = connection;
  }

  // HOT: per exchange. Begins the exchange that `head` asks for as stream `id`, or answers why not.
  begin(id: number, head: Head | HeadFault, endStream: boolean): void {
    const { stream } = this;
    this.#headRequest = false;
    this.#grpc = false;
    this.#grpcAnswer = false;
    this.#answering = false;
    this.#answered = false;
    this.#requestEnded = false;
    this.#complete = false;
    this.#connection.add(id, stream);
    if (typeof head === 'string') return this.#refuse(head, endStream);
    // What an application says of that to its own sidecar counts for nothing.
    if (head.origProto !== ORIG_PROTO_NONE && !this.#side.local) {
      if (head.origProto === ORIG_PROTO_MALFORMED) return this.#decline(BAD_ORIG_PROTO, endStream);
      stream.carriesHttp1 = true;
    }
    this.#headRequest = isMethod(head, 'HEAD');
    this.#grpc = isGrpc(head);
    const length = contentLengthOf(head);
    // RFC 9113 8.1.1: more than nothing was announced, and nothing comes.
    const short = endStream && typeof length === 'number' && length > 0;
    if (length === 'malformed' || short) return this.#refuse('malformed', endStream);
    this.#connection.headSeen(stream, length);
    // Known before the exchange is, which may answer at once: nothing is left to be reset then.
    stream.remoteEnded = endStream;
    const asksTunnel = head.tunnel !== TUNNEL_NONE;
    if (asksTunnel) this.#tunnel = ASKED;
    const empty = endStream || asksTunnel;
    const body = empty ? 0 : isLengthKnown(head, length) ? length : BODY_LENGTH_UNKNOWN;
    const exchange = this.#side.open(this, head, body, stream.carriesHttp1 ? 'http1' : 'http2');
    // An exchange that failed at once is over and belongs to another request soon.
    if (this.#unwanted) return;
    this.#exchange = exchange;
    if (empty) this.#endRequestHalf();
  }

  #refuse(fault: HeadFault, endStream: boolean): void {
    if (fault === 'malformed') {
      const sentence = 'The request head is malformed.';
      return this.#connection.input.streamFault(this.stream.id, {
        code: PROTOCOL_ERROR,
        sentence,
      });
    }
    if (fault === 'too-large') this.#side.limitHit('head-size');
    this.#decline(headError(fault), endStream);
  }

  #decline(error: MeshError, endStream: boolean): void {
    this.#connection.headSeen(this.stream, BODY_LENGTH_UNKNOWN);
    if (endStream) this.stream.remoteEnded = true;
    this.#side.refused(error);
    this.#unwanted = true;
    this.#answer(error);
  }

  // ---- from the downstream ----

  streamData(bytes: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    if (this.#tunnel === ASKED) (this.#early ??= new HeldBytes()).add(bytes, start, end);
    else if (exchange !== undefined && this.#tunnel !== REFUSED)
      exchange.requestData(bytes, start, end);
    // Nobody reads it; but a client that sends all before it reads must come to its end.
    else this.#connection.credit(this.stream, end - start);
  }

  streamTrailers(trailers: Head): void {
    if (this.#tunnel === NO_TUNNEL) return this.#exchange?.requestTrailers(trailers);
    // RFC 9113 8.5: nothing but DATA.
    this.#connection.input.streamFault(this.stream.id, TRAILERS_IN_TUNNEL);
  }

  streamEnd(): void {
    // A tunnel's half ends when it has been granted, behind what came early.
    if (this.#tunnel === NO_TUNNEL || this.#tunnel === GRANTED) this.#endRequestHalf();
  }

  #endRequestHalf(): void {
    const exchange = this.#exchange;
    this.#requestEnded = true;
    // Both halves are over: the exchange belongs to another request soon.
    if (this.#answered) {
      this.#exchange = undefined;
      this.stream.tunnels = false;
    }
    exchange?.requestEnd();
    this.#settle();
  }

  streamReset(code: number): void {
    this.#cancel(new MeshError('cancelled', 'downstream', CANCELLED, 'never', code));
  }

  streamFault({ sentence }: Http2Fault): void {
    const error = new MeshError('malformed-request', 'downstream', sentence);
    if (this.#exchange === undefined) this.#side.refused(error);
    this.#cancel(error);
  }

  streamLost(error: MeshError): void {
    // Our own end of service is an answer, as far as it can still be given.
    if (error.source === 'proxy' && !this.stream.over && !this.#answering && !this.#answered) {
      const exchange = this.#exchange;
      this.#exchange = undefined;
      exchange?.requestReset(error);
      return this.#answer(error);
    }
    // What it has cut is a failure; the client's going away is none.
    const ours = error.source === 'proxy';
    // Without a word of its own, a tunnel's end could be taken for one in order.
    if (ours && this.#tunnel === GRANTED) this.#connection.reset(this.stream, CONNECT_ERROR);
    this.#cancel(
      ours ? error : new MeshError('cancelled', 'downstream', CANCELLED, 'never', CANCEL),
    );
  }

  #cancel(error: MeshError): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#answered = true;
    exchange?.requestReset(error);
  }

  streamSent(bytes: number): void {
    this.#exchange?.responseCredit(bytes);
  }

  streamStalled(): void {
    const sentence = `Nothing moved for ${timeouts.streamIdleMs} ms.`;
    const error = new MeshError('deadline-passed', 'proxy', sentence);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.requestReset(error);
    // A whole answer that nobody takes is let go.
    if (this.#answered) this.#connection.reset(this.stream, CANCEL);
    else this.#fail(error);
  }

  // ---- the answer ----

  responseInformational(head: Head): void {
    if (!this.#gone) this.#connection.output.head(this.stream, head, RESPONSE);
  }

  responseHead(head: Head, body: number): void {
    if (this.#gone) return;
    this.#answering = true;
    if (body === BODY_TUNNEL) return this.#beginTunnel(head);
    this.#refuseTunnel();
    this.#grpcAnswer =
      this.#grpc &&
      body === BODY_LENGTH_UNKNOWN &&
      contentLengthOf(head) === -1 &&
      hasStatusField(head);
    const stream = this.stream;
    stream.bodyFollows = stream.carriesHttp1 && body === BODY_LENGTH_UNKNOWN;
    this.#connection.output.head(stream, head, RESPONSE);
  }

  /** What came early is the tunnel's, and so is the end that came with it. */
  #beginTunnel(head: Head): void {
    const stream = this.stream;
    const early = this.#early;
    this.#early = undefined;
    this.#tunnel = GRANTED;
    stream.tunnels = true;
    this.#requestEnded = false;
    this.#connection.output.head(stream, head, RESPONSE);
    if (early !== undefined) this.#exchange?.requestData(early.bytes, early.start, early.end);
    if (stream.remoteEnded) this.#endRequestHalf();
  }

  /** Nobody reads what a client sent that took the tunnel for granted. */
  #refuseTunnel(): void {
    if (this.#tunnel !== ASKED) return;
    this.#tunnel = REFUSED;
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) this.#connection.credit(this.stream, early.length);
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#gone) return;
    const left = this.#connection.output.data(this.stream, bytes, start, end);
    if (left > 0) this.#exchange?.responseCredit(left);
  }

  responseTrailers(trailers: Head): void {
    if (!this.#gone) this.#connection.output.head(this.stream, trailers, TRAILERS);
  }

  responseEnd(): void {
    this.#answered = true;
    this.#complete = true;
    if (this.#requestEnded) this.#exchange = undefined;
    // Trailers have ended it.
    if (this.#gone) return this.#settle();
    this.#connection.output.end(this.stream);
    if (this.#tunnel === REFUSED) this.#endRequest();
    else if (this.#tunnel === GRANTED && this.#requestEnded) this.stream.tunnels = false;
  }

  responseReset(error: MeshError): void {
    this.#unwanted = true;
    this.#exchange = undefined;
    this.#fail(error);
  }

  requestCredit(bytes: number): void {
    this.#connection.credit(this.stream, bytes);
  }

  requestUnwanted(): void {
    this.#unwanted = true;
    this.#exchange = undefined;
    this.#endRequest();
  }

  // ---- ends ----

  streamForgotten(): void {
    this.#settle();
  }

  /**
   * Once both halves are over on both sides, the exchange has let go of it, and the connection too:
   * then it may be another stream. What ended otherwise is left to the garbage collector.
   */
  #settle(): void {
    if (!this.#complete || !this.#requestEnded || !this.stream.endedInOrder) return;
    if (this.#exchange !== undefined || this.#unwanted || this.#tunnel !== NO_TUNNEL) return;
    this.#complete = false;
    this.#host.streamFree(this);
  }

  get #gone(): boolean {
    return this.stream.over;
  }

  /** The answer is `error`, or cut where its head has left already. */
  #fail(error: MeshError): void {
    if (this.#gone || this.#answered) return;
    if (!this.#answering && !this.#passesReset(error)) this.#answer(error);
    else this.#cut(error);
    if (endsConnection(error)) this.#host.goodbye();
  }

  #cut(error: MeshError): void {
    this.#answered = true;
    if (this.#grpcAnswer && error.resetCode === undefined) return this.#endGrpc(error);
    const code = this.#tunnel === GRANTED ? CONNECT_ERROR : INTERNAL_ERROR;
    this.#connection.reset(this.stream, error.resetCode ?? code);
  }

  /**
   * What the code says is for whoever called: a gRPC library, or a peer that may ask another of the
   * service's endpoints, as nobody has done anything with the request (RFC 9113 section 8.7). What an
   * address outside the mesh did passes as it is.
   */
  #passesReset({ code, resetCode }: MeshError): boolean {
    if (this.#grpc) return resetCode !== undefined;
    return code === 'outside-failed' || (resetCode === REFUSED_STREAM && !this.#side.local);
  }

  /** A gRPC answer that goes no further says why: its status is in its trailers. */
  #endGrpc(error: MeshError): void {
    const { output } = this.#connection;
    output.head(this.stream, ownTrailers(error, this.#side.local), TRAILERS);
    if (!this.#gone) output.end(this.stream);
    this.#endRequest();
  }

  /** The proxy's own answer, whole. */
  #answer(error: MeshError): void {
    this.#refuseTunnel();
    this.#answering = true;
    this.#answered = true;
    const audience = { grpc: this.#grpc, local: this.#side.local };
    const { head, text } = ownAnswer(error, audience, this.#headRequest);
    const { output } = this.#connection;
    output.head(this.stream, head, RESPONSE);
    output.data(this.stream, text, head.length, text.length);
    output.end(this.stream);
    this.#endRequest();
  }

  /**
   * Stops the rest of a request that nobody reads, once its answer has left (RFC 9113 8.1). The rest of
   * a tunnel is lost, and that must not be taken for an end in order.
   */
  #endRequest(): void {
    const stream = this.stream;
    if (stream.over || stream.remoteEnded || !this.#answered) return;
    stream.resetBehindEnd = this.#tunnel === GRANTED ? CONNECT_ERROR : NO_ERROR;
    if (stream.localEnded) this.#connection.reset(stream, stream.resetBehindEnd);
  }
}

const CANCELLED = 'The downstream went away.';

const TRAILERS_IN_TUNNEL: Http2Fault = {
  code: PROTOCOL_ERROR,
  sentence: 'HEADERS within a tunnel.',
};
