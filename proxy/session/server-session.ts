/** What the downstream sessions of all protocols have in common, and what they need. */
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Protocol, RequestSink, ResponseSink } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { LinkEvents } from '../transport/link.ts';

/** One downstream connection. */
export interface ServerSession extends LinkEvents {
  /** No exchange and no part of one. */
  readonly idle: boolean;
  /** Ends the link when it is idle, and not just opened; otherwise it ends with what is under way. */
  closeIfIdle(): void;
  /** The drain is over: `error` answers what is owed an answer, and the link ends. */
  abort(error: MeshError): void;
  /** Told once: the drain has begun, or had when this connection came. */
  goodbye(): void;
  /** A failure of the connection as a whole: the answer to what it asks, and its end. */
  requestFault(error: MeshError): void;
}

/** What a server session needs from its side of the proxy. */
export interface ServerSide {
  readonly wheel: TimerWheel;
  /** The downstream is the local application: it is told what went wrong. */
  readonly local: boolean;
  /** Without a request for so long the link ends; otherwise timeouts.downstreamIdleMs. */
  readonly idleMs?: number;
  /** Connections end with their current answer. */
  readonly goodbye: () => boolean;
  /**
   * Begins an exchange that came by `protocol`; `body` is its length or BODY_LENGTH_UNKNOWN. May
   * answer at once.
   */
  readonly open: (
    downstream: ResponseSink,
    head: Head,
    body: number,
    protocol: Protocol,
  ) => RequestSink;
  /** An error was answered that no exchange knows of. */
  readonly refused: (error: MeshError) => void;
  /** A client went over a limit of HTTP/2. */
  readonly limitHit: (limit: Http2Limit) => void;
  readonly closed: (session: ServerSession) => void;
}
