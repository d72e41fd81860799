/**
 * The seam between the loop (when, on which connection, how long) and a protocol (which bytes).
 * The loop knows no protocol; a protocol knows neither time nor sockets.
 *
 *   loop ── send(ticket, shape), flush() ──> Session ── write(bytes) ──> Wire
 *   loop ── receive(bytes) ────────────────> Session ── answered | failed(ticket) ──> Outcomes
 *
 * A ticket is the right to have one request under way: a connection has `requestsAtOnce` of them
 * for as long as the run lasts, and tickets of connection c are c x requestsAtOnce and following.
 */
import type { NativeBytes } from './libc.ts';

/** A protocol, made from a plan. */
export interface Client {
  /** Requests that one connection takes at a time; HTTP/1.1 without pipelining: 1. */
  readonly requestsAtOnce: number;
  /** State of the protocol on one connection that was just dialled. */
  createSession(wire: Wire, outcomes: Outcomes): Session;
}

/** Where a session's bytes go. */
export interface Wire {
  /**
   * Sends the first `length` of `bytes`; true when the kernel took them all. When not, they must not
   * change, nor may others be written, until `Reader.drained`.
   */
  write(bytes: NativeBytes, length: number): boolean;
}

/** How requests end: each exactly once; `unprocessed` begins it anew. */
export interface Outcomes {
  answered(ticket: number): void;
  /** A reason as in LoadResult.errors. */
  failed(ticket: number, reason: string): void;
  /** The server said that it did not take the request: it is sent again, and its time goes on. */
  unprocessed(ticket: number): void;
  /** The peer did what belongs to no request, as sending bytes unasked. */
  strayed(reason: string): void;
}

/** Who reads a connection, until it ends. */
export interface Reader {
  /** The kernel took the rest of what was written. */
  drained(): void;
  /** Takes the first `length` of `bytes`, valid during the call; false: the connection is over. */
  receive(bytes: Buffer, length: number): boolean;
  /** The connection ended, for `reason`; requests under way are answered by that, or failed. */
  end(reason: string): void;
}

/** The protocol on one connection. */
export interface Session extends Reader {
  /**
   * Sends the request of that shape, or gathers it until `flush`. Not called once the session said
   * it is over.
   */
  send(ticket: number, shape: number): void;
  /** No other request comes at this moment: sends what was gathered. */
  flush(): void;
}
