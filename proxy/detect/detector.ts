/**
 * Which protocol a new downstream connection speaks: HTTP/2 by prior knowledge begins with its
 * preface (RFC 9113 section 3.3), everything else is for HTTP/1.1 to judge.
 *
 *   no byte ── idle time ─> closed
 *   a part of the preface ── head timeout, or the client's end ─> HTTP/1.1, which says what is wrong
 *   the whole preface ─> HTTP/2                 a byte that is not the preface's ─> HTTP/1.1
 *
 * All bytes that came are handed on: the session reads them as if it had been there from the start.
 */
import { Timer } from '../../base/timer-wheel.ts';
import { matchPreface } from '../codec/http2/preface.ts';
import { timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import { HeldBytes } from '../session/held-bytes.ts';
import { Http1Server } from '../session/http1-server.ts';
import { Http2Server } from '../session/http2-server.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import type { Link } from '../transport/link.ts';

/** Begins a connection: what hears of it until `decided` is given its session. */
export const detect = (
  side: ServerSide,
  link: Link,
  decided: (session: ServerSession) => void,
): ServerSession => new Detector(side, link, decided);

/** Stands for the session until it is known which one is needed. */
export class Detector implements ServerSession {
  readonly #side: ServerSide;
  readonly #link: Link;
  readonly #decided: (session: ServerSession) => void;
  readonly #held = new HeldBytes();
  readonly #timer = new Timer(() => this.#timeout());
  /** Why the connection is refused, once it is known how to say so. */
  #refusal: MeshError | undefined = undefined;

  /** `decided` hears of the session before that hears of any byte. */
  constructor(side: ServerSide, link: Link, decided: (session: ServerSession) => void) {
    this.#side = side;
    this.#link = link;
    this.#decided = decided;
    side.wheel.set(this.#timer, side.idleMs ?? timeouts.downstreamIdleMs);
  }

  get idle(): boolean {
    return this.#held.length === 0;
  }

  closeIfIdle(): void {
    if (this.idle) this.#link.close();
  }

  abort(): void {
    this.#link.close();
  }

  /** The session is told, when there is one. */
  goodbye(): void {}

  /** The answer waits for the first bytes, for a while: they tell how to answer. */
  requestFault(error: MeshError): void {
    this.#refusal = error;
    this.#side.wheel.set(this.#timer, timeouts.lingerMs);
  }

  // ---- the link ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (!this.idle) return this.#readMore(bytes, start, end);
    const match = matchPreface(bytes, start, end);
    if (match !== 'more') return this.#decide(match).onBytes(bytes, start, end);
    this.#held.add(bytes, start, end);
    if (this.#refusal === undefined) this.#side.wheel.set(this.#timer, timeouts.headTimeoutMs);
  }

  /** The preface came cut. */
  #readMore(bytes: Buffer, start: number, end: number): void {
    const held = this.#held;
    held.add(bytes, start, end);
    const match = matchPreface(held.bytes, held.start, held.end);
    if (match !== 'more') this.#handOn(this.#decide(match));
  }

  onSent(): void {}

  onEnd(): void {
    const session = this.#decide('no');
    this.#handOn(session);
    session.onEnd();
  }

  onClose(): void {
    this.#side.wheel.cancel(this.#timer);
    this.#side.closed(this);
  }

  // ---- the session ----

  #decide(match: 'yes' | 'no'): ServerSession {
    const side = this.#side;
    const link = this.#link;
    side.wheel.cancel(this.#timer);
    const session = match === 'yes' ? new Http2Server(side, link) : new Http1Server(side, link);
    link.events = session;
    this.#decided(session);
    if (this.#refusal !== undefined) session.requestFault(this.#refusal);
    return session;
  }

  #handOn(session: ServerSession): void {
    const { bytes, end, start } = this.#held;
    if (start < end) session.onBytes(bytes, start, end);
  }

  #timeout(): void {
    if (this.#refusal !== undefined) {
      this.#decide('no');
      return;
    }
    if (this.idle) return this.#link.close();
    const sentence = `The connection preface was not complete after ${timeouts.headTimeoutMs} ms.`;
    this.#decide('no').requestFault(new MeshError('head-timeout', 'downstream', sentence));
  }
}
