/**
 * An exchange is one downstream request and its answer; an attempt is one try upstream. Sessions
 * on both sides meet in these two interfaces, so any protocol goes in and any goes out.
 *
 *   server session ── RequestSink ──> Exchange ── RequestSink ──> client stream
 *   server session <── ResponseSink ─ Exchange <── ResponseSink ─ client stream
 *
 * Each half-stream is: head, data*, trailers?, end; or reset at any point, once, and nothing after
 * it: once both halves are over, what stood for them may stand for another exchange. Credit runs
 * against the data: its consumer returns a byte's credit when the byte has left. Heads and views are
 * lent for the call.
 *
 * A request whose head asks for a tunnel ends as any other does. If the answer's body is BODY_TUNNEL
 * then, which no answer's is before the end of the request, both halves are from there on the bytes
 * of the tunnel: the request goes on with data* and a second end.
 */
import type { MeshError } from './mesh-error.ts';
import type { Head } from './head.ts';

/** A body whose length the head does not tell, or that trailers may follow: it ends with `end`. */
export const BODY_LENGTH_UNKNOWN = -1;
/** Of an answer: no body, but what a tunnel carries (docs/upgrades.md). */
export const BODY_TUNNEL = -2;

/** Takes the rest of a request whose head was handed over. */
export interface RequestSink {
  requestData(bytes: Buffer, start: number, end: number): void;
  requestTrailers(trailers: Head): void;
  requestEnd(): void;
  /** The request will not be completed, and its answer is not wanted any more. */
  requestReset(error: MeshError): void;
  /** `bytes` of the response's data have left. */
  responseCredit(bytes: number): void;
  /** The request is whole, and its client sends nothing more: it may be gone. It is answered all the same. */
  clientEnded?(): void;
}

/** Takes the answer to a request. */
export interface ResponseSink {
  /** An interim response (1xx but 101), any number before the head. */
  responseInformational(head: Head): void;
  /** `body` is its length in bytes, BODY_LENGTH_UNKNOWN or BODY_TUNNEL; 0 for HEAD, 204 and 304. */
  responseHead(head: Head, body: number): void;
  responseData(bytes: Buffer, start: number, end: number): void;
  responseTrailers(trailers: Head): void;
  responseEnd(): void;
  responseReset(error: MeshError): void;
  /** `bytes` of the request's data have left. */
  requestCredit(bytes: number): void;
  /** After the response's end: nobody reads the rest of the request. */
  requestUnwanted(): void;
}

/** What is spoken on a link. */
export const PROTOCOLS = ['http1', 'http2'] as const;
/** HTTP/1.1 with 1.0, or HTTP/2 by prior knowledge. */
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * What is spoken at a port, as somebody declared it; `opaque` is bytes that nobody reads. Where the
 * type may be undefined, nobody has said: each connection is judged by its first bytes.
 */
export type PortProtocol = Protocol | 'opaque';

/**
 * One attempt upstream: a whole HTTP/1 connection, one stream of an HTTP/2 connection, or a raw
 * connection, which is `opaque`.
 */
export interface UpstreamStream extends RequestSink {
  readonly protocol: PortProtocol;
  /** Attempts its connection has completed: a used one may have been closed under the next. */
  readonly served: number;
  /** Sends the request's head; the answer goes to `sink`. */
  request(head: Head, body: number, sink: ResponseSink): void;
  /** Without a request: ends an idle HTTP/1 connection, gives an HTTP/2 stream back. */
  close(): void;
}

/** Towards the application, and away from it. */
export const DIRECTIONS = ['inbound', 'outbound'] as const;
/** A side of the proxy. */
export type Direction = (typeof DIRECTIONS)[number];
