/**
 * One attempt as a stream of an upstream connection.
 *
 *   taken ─ request ─> WAITING ─ 1xx* ─ head ─> ANSWERING ─ END_STREAM ─> ANSWERED
 *                         └──────── RST_STREAM, or the connection is lost ──> reset, once
 *
 * A tunnel (RFC 9113 section 8.5, RFC 8441): no END_STREAM ends the request, until the answer grants
 * the tunnel, whose end it is then, or is another one. The server's SETTINGS say whether there is such
 * a thing.
 *
 * A head above what the server says it takes stays here: there are servers that end the connection for
 * one, with the streams of all who share it.
 *
 * One whose halves have both ended in order is used again for a later attempt on its connection: from
 * then on neither the connection nor the exchange knows of it (#settle).
 */
import { isMethod } from '../codec/http1/request-target.ts';
import {
  CANCEL,
  HTTP_1_1_REQUIRED,
  type Http2Fault,
  http2Fault,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  errorCodeName,
} from '../codec/http2/error-code.ts';
import { type HeadFault, contentLengthOf, isLengthKnown } from '../codec/http2/head-reader.ts';
import { isListAbove } from '../codec/http2/header-list.ts';
import { limits, timeouts } from '../limits.ts';
import {
  BODY_LENGTH_UNKNOWN,
  BODY_TUNNEL,
  type ResponseSink,
  type UpstreamStream,
} from '../model/exchange.ts';
import {
  Head,
  ORIG_PROTO_HTTP1,
  TUNNEL_NONE,
  TUNNEL_UPGRADE,
  type TunnelKind,
} from '../model/head.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { type ErrorCode, MeshError, type Retry } from '../model/mesh-error.ts';
import type { Http2Connection } from './http2-connection.ts';
import { REQUEST, TRAILERS } from './http2-output.ts';
import { Http2Stream, LENGTH_UNKNOWN, type StreamEvents } from './http2-stream.ts';

/** The session, as its streams need it. */
export interface StreamOwner {
  /** "address:port" of the endpoint, for messages. */
  readonly host: string;
  /** Streams whose answer came whole. */
  served: number;
  /** The peer has said GOAWAY. */
  readonly leaving: boolean;
  /** Its streams may be silent for as long as they like. */
  readonly streamsLast: boolean;
  /** `stream`, which was taken, begins; false when the connection cannot have it now. */
  begin(stream: Http2Stream, tunnels: boolean): boolean;
  /** A stream that asked for a tunnel, and still counts as one, was refused unprocessed. */
  tunnelRefused(): void;
  tunnelGranted(): void;
  /** A head has been written: it leaves at once, no window bounds it. */
  headWritten(): void;
  /** A stream that was taken is not needed. */
  giveBack(): void;
  /** Nobody refers to `over` any more: it may be taken again. */
  streamFree(over: Http2ClientStream): void;
  /** The server takes extended CONNECT (RFC 8441). */
  readonly extendedConnect: boolean;
}

/** A stream that carries an attempt, and then perhaps another. */
export class Http2ClientStream implements UpstreamStream, StreamEvents {
  readonly protocol = 'http2';
  readonly #client: StreamOwner;
  readonly #connection: Http2Connection;
  readonly #stream: Http2Stream = new Http2Stream(this);
  /** The stream is or was open: `request` has been called, and the connection had it. */
  #begun = false;
  #sink: ResponseSink | undefined = undefined;
  #headRequest = false;
  #requestEnded = false;
  /** The sink has heard the end of the answer. */
  #answered = false;
  #informational = 0;
  /** What is asked for and neither granted nor refused. */
  #asks: TunnelKind = TUNNEL_NONE;

  constructor(client: StreamOwner, connection: Http2Connection) {
    this.#client = client;
    this.#connection = connection;
  }

  /** Answers this connection has given: it may have been closed under the next request. */
  get served(): number {
    return this.#client.served;
  }

  // ---- from the exchange ----

  // HOT: per exchange.
  request(head: Head, body: number, sink: ResponseSink): void {
    this.#sink = sink;
    this.#requestEnded = false;
    this.#answered = false;
    this.#informational = 0;
    this.#asks = head.tunnel;
    const { headerListBytesMax } = this.#connection.input.peer;
    if (head.tunnel === TUNNEL_UPGRADE && !this.#client.extendedConnect) {
      this.#decline('tunnel-not-served', 'takes no upgrades over HTTP/2 (RFC 8441)');
    } else if (isListAbove(head, headerListBytesMax)) {
      const what = `takes heads of ${headerListBytesMax} bytes (SETTINGS_MAX_HEADER_LIST_SIZE)`;
      this.#decline('head-too-large', what);
    } else this.#send(head, body);
  }

  /** `what`: of the server. */
  #decline(code: ErrorCode, what: string): void {
    this.#client.giveBack();
    this.#fail(new MeshError(code, 'upstream', `${this.#client.host} ${what}.`));
  }

  #send(head: Head, body: number): void {
    const stream = this.#stream;
    if (!this.#client.begin(stream, head.tunnel !== TUNNEL_NONE)) {
      const sentence = `${this.#client.host} ended the connection before it was used.`;
      return this.#fail(new MeshError('upstream-reset', 'upstream', sentence, 'unprocessed'));
    }
    this.#begun = true;
    this.#headRequest = isMethod(head, 'HEAD');
    stream.carriesHttp1 = head.origProto === ORIG_PROTO_HTTP1;
    // Chunked, and perhaps empty: without END_STREAM on its head it is chunked at the far end too.
    stream.bodyFollows = stream.carriesHttp1 && body === BODY_LENGTH_UNKNOWN;
    this.#connection.output.head(stream, head, REQUEST);
    this.#client.headWritten();
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    const stream = this.#stream;
    if (!this.#begun || stream.over) return;
    const left = this.#connection.output.data(stream, bytes, start, end);
    if (left > 0) this.#sink?.requestCredit(left);
  }

  requestTrailers(trailers: Head): void {
    const stream = this.#stream;
    if (this.#begun && !stream.over) this.#connection.output.head(stream, trailers, TRAILERS);
  }

  requestEnd(): void {
    const stream = this.#stream;
    this.#requestEnded = true;
    if (!this.#begun || this.#asks !== TUNNEL_NONE) return;
    // The response ended before: the exchange belongs to another request soon.
    if (stream.remoteEnded) this.#leave(stream);
    if (stream.over) this.#settle();
    else this.#connection.output.end(stream);
  }

  #leave(stream: Http2Stream): void {
    this.#sink = undefined;
    stream.tunnels = false;
  }

  requestReset(error: MeshError): void {
    this.#sink = undefined;
    if (this.#begun) this.#connection.reset(this.#stream, error.resetCode ?? CANCEL);
  }

  responseCredit(bytes: number): void {
    if (this.#begun) this.#connection.credit(this.#stream, bytes);
  }

  /** It was taken, and nobody needs it. */
  close(): void {
    if (!this.#begun) this.#client.giveBack();
  }

  // ---- from the upstream ----

  // HOT: per exchange.
  head(head: Head | HeadFault, endStream: boolean): void {
    const stream = this.#stream;
    const { host } = this.#client;
    if (typeof head === 'string') {
      const limit = head === 'too-large' ? 'head-size' : undefined;
      return this.#breach(`The response head of ${host} is ${head}.`, limit);
    }
    if (head.status < 200) return this.#interim(head, endStream);
    if (this.#asks !== TUNNEL_NONE) {
      if (head.status < 300) return this.#grant(head, endStream);
      this.#refuse();
    }
    const length = contentLengthOf(head);
    if (length === 'malformed')
      return this.#breach(`The length of ${host}'s response is ambiguous.`);
    const bodiless = this.#headRequest || head.status === 204 || head.status === 304;
    this.#connection.headSeen(stream, bodiless ? 0 : length);
    // HEADERS may be all: then a content-length of more than nothing is a lie, but to HEAD.
    if (endStream && stream.remaining > 0) {
      return this.#breach(`${host} sent no body of the ${length} bytes it announced.`);
    }
    const known = isLengthKnown(head, length);
    const body = endStream || bodiless ? 0 : known ? length : BODY_LENGTH_UNKNOWN;
    this.#sink?.responseHead(head, body);
    if (endStream && !stream.over) this.#connection.remoteEnd(stream);
  }

  /** What comes behind the head is the tunnel's, and so is what follows the request. */
  #grant(head: Head, endStream: boolean): void {
    const stream = this.#stream;
    const kind = this.#asks;
    this.#asks = TUNNEL_NONE;
    this.#requestEnded = false;
    stream.tunnels = true;
    this.#client.tunnelGranted();
    this.#connection.headSeen(stream, LENGTH_UNKNOWN);
    // The head that came may be remembered as it is, for others.
    const granted = new Head();
    granted.own(head);
    granted.origin = undefined;
    granted.tunnel = kind;
    if (kind === TUNNEL_UPGRADE) granted.status = SWITCHING_PROTOCOLS;
    this.#sink?.responseHead(granted, BODY_TUNNEL);
    if (endStream && !stream.over) this.#connection.remoteEnd(stream);
  }

  /** The answer is an ordinary one, to a request that is whole. */
  #refuse(): void {
    this.#asks = TUNNEL_NONE;
    if (this.#requestEnded) this.#connection.output.end(this.#stream);
  }

  #interim(head: Head, endStream: boolean): void {
    const { host } = this.#client;
    if (endStream) return this.#breach(`${host} ended its response with an interim one.`);
    if (++this.#informational > limits.informationalMax) {
      return this.#breach(`${host} sent more than ${limits.informationalMax} interim responses.`);
    }
    this.#stream.moved = true;
    this.#sink?.responseInformational(head);
  }

  /** The upstream broke the protocol within this stream. */
  #breach(sentence: string, limit?: Http2Limit): void {
    const fault = http2Fault(PROTOCOL_ERROR, sentence, limit);
    this.#connection.input.streamFault(this.#stream.id, fault);
  }

  streamData(bytes: Buffer, start: number, end: number): void {
    const sink = this.#sink;
    if (sink !== undefined) sink.responseData(bytes, start, end);
    else this.#connection.credit(this.#stream, end - start);
  }

  streamTrailers(trailers: Head): void {
    // RFC 9113 8.5: nothing but DATA.
    if (this.#stream.tunnels) {
      return this.#breach(`HEADERS of ${this.#client.host} within a tunnel.`);
    }
    this.#sink?.responseTrailers(trailers);
  }

  streamEnd(): void {
    this.#client.served++;
    this.#answered = true;
    const sink = this.#sink;
    // As in requestEnd; part of the request may still wait to leave.
    if (this.#requestEnded) this.#leave(this.#stream);
    sink?.responseEnd();
  }

  streamReset(code: number): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (this.#stream.remoteEnded) return sink?.requestUnwanted();
    const sentence = `${this.#client.host} reset the request: ${errorCodeName(code)}.`;
    // Part of an answer came: whatever it says, this was processed.
    const refused = code === REFUSED_STREAM && !this.#stream.headSeen;
    const retry: Retry = refused ? 'unprocessed' : 'never';
    if (refused && this.#asks !== TUNNEL_NONE) this.#client.tunnelRefused();
    // A server that leaves takes its streams along: nobody has cancelled this one, it is lost.
    const passed = code === CANCEL && this.#client.leaving ? undefined : passOn(code);
    sink?.responseReset(new MeshError('upstream-reset', 'upstream', sentence, retry, passed));
  }

  streamFault({ sentence }: Http2Fault): void {
    this.#fail(new MeshError('upstream-protocol', 'upstream', sentence));
  }

  streamLost(error: MeshError): void {
    // Part of an answer came: whatever the connection says, this was processed.
    const final = error.retry !== 'never' && this.#stream.headSeen;
    this.#fail(final ? new MeshError(error.code, error.source, error.sentence) : error);
  }

  streamSent(bytes: number): void {
    this.#sink?.requestCredit(bytes);
  }

  streamStalled(): void {
    const stream = this.#stream;
    // But not leave what is sent for as long.
    if (this.#client.streamsLast && stream.waiting === undefined) return;
    const sentence = `${this.#client.host} let ${timeouts.streamIdleMs} ms pass without a byte.`;
    this.#fail(new MeshError('deadline-passed', 'upstream', sentence));
    this.#connection.reset(stream, CANCEL);
  }

  streamForgotten(): void {
    this.#settle();
  }

  /**
   * Once both halves are over on both sides, the exchange has let go of it, and the connection too:
   * then it may be another attempt. What ended otherwise is left to the garbage collector.
   */
  #settle(): void {
    const { endedInOrder, tunnels } = this.#stream;
    if (!endedInOrder || tunnels || !this.#begun || this.#asks !== TUNNEL_NONE) return;
    if (!this.#answered || !this.#requestEnded || this.#sink !== undefined) return;
    this.#begun = false;
    this.#client.streamFree(this);
  }

  #fail(error: MeshError): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (this.#begun && this.#stream.remoteEnded) sink?.requestUnwanted();
    else sink?.responseReset(error);
  }
}

const SWITCHING_PROTOCOLS = 101;

/** Codes that are of this connection only are not passed on. */
function passOn(code: number): number | undefined {
  return code === NO_ERROR || code === HTTP_1_1_REQUIRED || code === REFUSED_STREAM
    ? undefined
    : code;
}
