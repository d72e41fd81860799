/**
 * HTTP/1.1 towards the downstream (RFC 9112): one exchange at a time on a link.
 *
 *   input:   request-reader.ts; once it has stopped, what still comes is read and dropped
 *   output:  NONE ─head─> PENDING ─response head─> SENDING ─end─> ANSWERED ─next request─> NONE
 *                            └─ a tunnel is granted ─> TUNNEL: the link is tunnel-end.ts's
 *
 * A client's FIN is no cancel: what it asked for is answered first. What a client sends behind a
 * request for a tunnel is held, as a pipelined request is, until the answer says what it was.
 */
import { Timer } from '../../base/timer-wheel.ts';
import { hasToken } from '../codec/http1/framing.ts';
import { keepsConnection } from '../codec/http1/keep-alive.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits, timeouts, streamResumeBytes } from '../limits.ts';
import {
  BODY_LENGTH_UNKNOWN,
  BODY_TUNNEL,
  type RequestSink,
  type ResponseSink,
} from '../model/exchange.ts';
import { FIELD_EXPECT } from '../model/field.ts';
import { type Head, TUNNEL_CONNECT } from '../model/head.ts';
import type { Link } from '../transport/link.ts';
import { BodyWriter } from './body-writer.ts';
import { AnswerWriter } from './http1-answer.ts';
import { BODY_CUT, CANCELLED } from './http1-request.ts';
import { type RequestEvents, RequestReader } from './request-reader.ts';
import type { ServerSession, ServerSide } from './server-session.ts';
import { TunnelEnd } from './tunnel-end.ts';
import { DownstreamSide } from './tunnel-sides.ts';

const [NONE, PENDING, SENDING, ANSWERED, TUNNEL] = [0, 1, 2, 3, 4];

/** One downstream connection. */
export class Http1Server implements ServerSession, ResponseSink, RequestEvents {
  readonly #side: ServerSide;
  readonly #link: Link;
  readonly #in = new RequestReader(this);
  readonly #answers: AnswerWriter;
  readonly #out: BodyWriter;
  readonly #timer: Timer;
  #output = NONE;
  #exchange: RequestSink | undefined = undefined;
  #paused = false;
  #clientEnded = false;
  #gone = false;
  /** Something moved since the stream timer was last looked at. */
  #moved = false;
  #keepAlive = true;
  /** The client waits for 100 (Continue) before it sends the body. */
  #expects = false;
  #unwanted = false;
  /** Request data that has not left upstream. */
  #uncredited = 0;
  #discarded = 0;
  /** One was granted: the session is nothing else any more. */
  #tunnel: TunnelEnd | undefined = undefined;

  constructor(side: ServerSide, link: Link) {
    this.#side = side;
    this.#link = link;
    this.#answers = new AnswerWriter(link);
    this.#out = new BodyWriter(link);
    this.#timer = new Timer(() => this.#timeout());
    side.wheel.set(this.#timer, this.#idleMs);
  }

  get #idleMs(): number {
    return this.#side.idleMs ?? timeouts.downstreamIdleMs;
  }

  /** No exchange and no part of one. */
  get idle(): boolean {
    return this.#output === NONE && this.#in.held === 0;
  }

  /** Ends the link when it is idle; otherwise it ends with its current answer. */
  closeIfIdle(): void {
    this.#keepAlive = false;
    if (this.idle) this.#close();
  }

  /** Each answer asks the side whether it is the last. */
  goodbye(): void {}

  /** The drain is over: no answer any more. */
  abort(error: MeshError): void {
    if (this.#tunnel !== undefined) return this.#abortTunnel(this.#tunnel, error);
    if (this.#output === PENDING || this.#output === SENDING) this.requestFault(error);
    else this.#close();
  }

  // ---- bytes from the downstream ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#in.stopped) return this.#discard(end - start);
    this.#moved = true;
    this.#in.read(bytes, start, end);
    this.#throttle();
  }

  /** Answers of earlier requests pile up unsent: the next one waits. */
  get blocked(): boolean {
    return this.#link.unsentBytes >= limits.streamWindowBytes;
  }

  requestBegun(): void {
    this.#answers.begin();
    this.#side.wheel.set(this.#timer, timeouts.headTimeoutMs);
  }

  // HOT: per exchange.
  requestHead(head: Head, framing: number | MeshError): void {
    this.#side.wheel.set(this.#timer, timeouts.streamIdleMs);
    this.#answers.to(head);
    if (framing instanceof MeshError) return this.requestFault(framing);
    // Behind a CONNECT that is refused may stand what was meant for its tunnel: it is no request.
    this.#keepAlive = head.tunnel !== TUNNEL_CONNECT && keepsConnection(head);
    this.#expects = framing !== 0 && hasToken(head, FIELD_EXPECT, '100-continue');
    this.#unwanted = false;
    this.#discarded = 0;
    this.#output = PENDING;
    const body = framing < 0 ? BODY_LENGTH_UNKNOWN : framing;
    const exchange = this.#side.open(this, head, body, 'http1');
    // An exchange that failed at once is over and belongs to another request soon.
    this.#exchange = this.#unwanted ? undefined : exchange;
    if (this.#clientEnded) this.#exchange?.clientEnded?.();
  }

  bodyData(bytes: Buffer, start: number, end: number): void {
    this.#expects = false;
    if (this.#unwanted) return this.#discard(end - start);
    this.#uncredited += end - start;
    this.#exchange?.requestData(bytes, start, end);
  }

  bodyTrailers(trailers: Head): void {
    if (!this.#unwanted) this.#exchange?.requestTrailers(trailers);
  }

  requestComplete(): void {
    this.#exchange?.requestEnd();
    if (this.#output === ANSWERED) this.#next();
  }

  tunnelData(bytes: Buffer, start: number, end: number): void {
    this.#tunnel?.onBytes(bytes, start, end);
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.#in.inBody && this.#output !== ANSWERED) return this.requestFault(BODY_CUT);
    if (this.#output === PENDING) this.#exchange?.clientEnded?.();
    if (this.#in.waiting && this.#output !== ANSWERED) return;
    if (this.blocked && this.#in.held > 0) return;
    this.#close();
  }

  onClose(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#side.wheel.cancel(this.#timer);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#in.stop();
    exchange?.requestReset(CANCELLED);
    this.#side.closed(this);
  }

  // ---- the answer ----

  responseInformational(head: Head): void {
    if (this.#answers.minor === 0) return;
    if (head.status === 100) this.#expects = false;
    this.#answers.interim(head);
  }

  // HOT: per exchange.
  responseHead(head: Head, body: number): void {
    if (body === BODY_TUNNEL) return this.#beginTunnel(head);
    this.#moved = true;
    this.#output = SENDING;
    const unknown = body === BODY_LENGTH_UNKNOWN;
    const chunked = unknown && this.#answers.minor > 0;
    this.#out.begin(chunked);
    // A client that still waits for 100 may never send the body the connection owes.
    const closes = this.#expects || (unknown && !chunked) || this.#side.goodbye();
    this.#keepAlive = this.#keepAlive && !closes;
    this.#answers.head(head, body, chunked, this.#keepAlive);
  }

  /** What was held, and whatever comes, is the tunnel's. */
  #beginTunnel(head: Head): void {
    const { wheel } = this.#side;
    this.#answers.tunnel(head);
    this.#output = TUNNEL;
    wheel.cancel(this.#timer);
    const side = new DownstreamSide(this.#exchange!, () => this.#side.closed(this));
    const tunnel = new TunnelEnd(wheel, this.#link, side);
    this.#tunnel = tunnel;
    this.#link.events = tunnel;
    if (this.#paused) this.#link.resume();
    this.#paused = false;
    this.#uncredited = 0;
    this.#in.tunnel();
    if (this.#clientEnded) tunnel.onEnd();
  }

  #abortTunnel(tunnel: TunnelEnd, error: MeshError): void {
    const exchange = tunnel.over ? undefined : this.#exchange;
    tunnel.reset();
    exchange?.requestReset(error);
  }

  // HOT: per frame.
  responseData(bytes: Buffer, start: number, end: number): void {
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) return tunnel.write(bytes, start, end);
    this.#moved = true;
    this.#out.data(bytes, start, end);
  }

  responseTrailers(trailers: Head): void {
    this.#out.trailers(trailers);
  }

  responseEnd(): void {
    if (this.#tunnel !== undefined) return this.#tunnel.end();
    this.#out.end();
    this.#answered();
  }

  responseReset(error: MeshError): void {
    if (this.#tunnel !== undefined) return this.#tunnel.reset();
    this.#forgetRequest();
    if (this.#output === SENDING) return this.#cut();
    if (this.#output === PENDING) this.#answer(error);
    this.#throttle();
  }

  requestCredit(bytes: number): void {
    if (this.#tunnel !== undefined) return this.#tunnel.credit(bytes);
    this.#uncredited -= bytes;
    this.#throttle();
  }

  requestUnwanted(): void {
    if (this.#tunnel !== undefined) return this.#tunnel.close();
    this.#forgetRequest();
    this.#throttle();
  }

  /** The exchange is over: the rest of the request is read and dropped, within bounds. */
  #forgetRequest(): void {
    this.#unwanted = true;
    this.#exchange = undefined;
    this.#uncredited = 0;
  }

  onSent(bytes: number): void {
    this.#moved = true;
    const left = this.#out.sent(bytes);
    if (left > 0) this.#exchange?.responseCredit(left);
    if (this.#in.stopped) {
      if (this.#link.unsentBytes === 0) this.#side.wheel.set(this.#timer, timeouts.lingerMs);
    } else if (this.#output === NONE && (this.#in.held > 0 || this.#clientEnded)) {
      if (!this.blocked) this.#readOn();
    }
  }

  // ---- ends ----

  /** Writes the proxy's own answer. */
  #answer(error: MeshError): void {
    // A reset would take answers to earlier requests with it.
    const orderly = this.#link.unsentBytes > 0 || error.ending === 'orderly';
    if (error.code === 'outside-failed') return orderly ? this.#linger() : this.#link.reset();
    const response = this.#answers.responseTo(error, this.#side.local);
    if (response.close || this.#expects || this.#side.goodbye()) this.#keepAlive = false;
    this.#answers.own(response, this.#keepAlive);
    this.#answered();
  }

  /** A failure that this side found; the exchange, if there is one, ends with it. */
  requestFault(error: MeshError): void {
    if (this.#tunnel !== undefined) return this.abort(error);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined) this.#side.refused(error);
    exchange?.requestReset(error);
    this.#keepAlive = false;
    if (this.#output === SENDING) return this.#cut();
    // Who speaks another protocol must not take an answer for one of its own (RFC 9113 3.4).
    if (this.#output === ANSWERED || error.code === 'not-http') return this.#linger();
    this.#answer(error);
  }

  /** A truncated answer never looks whole: only a reset ends one that lasts until the close. */
  #cut(): void {
    this.#in.stop();
    this.#output = ANSWERED;
    this.#side.wheel.set(this.#timer, timeouts.lingerMs);
    if (this.#answers.minor === 0) this.#link.reset();
    else this.#link.close();
  }

  #answered(): void {
    this.#output = ANSWERED;
    if (!this.#keepAlive) {
      // An exchange whose request is complete too is over and may serve another link already.
      const exchange = this.#in.inBody ? this.#exchange : undefined;
      this.#exchange = undefined;
      exchange?.requestReset(CANCELLED);
      return this.#linger();
    }
    if (this.#in.waiting) this.#next();
  }

  /** Both halves are done: the next request, which may be here already. */
  #next(): void {
    this.#exchange = undefined;
    this.#output = NONE;
    this.#uncredited = 0;
    this.#out.over();
    this.#side.wheel.set(this.#timer, this.#idleMs);
    if (!this.#keepAlive) return this.#linger();
    this.#in.next();
    this.#readOn();
  }

  /** Uses what is held; a client that has ended and is owed nothing is let go. */
  #readOn(): void {
    this.#in.resume();
    this.#throttle();
    const over = this.#output === NONE && !this.#in.reading && !this.blocked;
    if (this.#clientEnded && over) this.#close();
  }

  /** FIN, then what still comes is read and dropped, so that no reset destroys the answer. */
  #linger(): void {
    this.#in.stop();
    this.#output = ANSWERED;
    this.#discarded = 0;
    if (this.#clientEnded) return this.#link.close();
    this.#link.end();
    this.#link.resume();
    // A slow reader has its time; once the answer has left, the rest is soon over.
    const unsent = this.#link.unsentBytes > 0;
    this.#side.wheel.set(this.#timer, unsent ? timeouts.streamIdleMs : timeouts.lingerMs);
  }

  #discard(bytes: number): void {
    this.#discarded += bytes;
    if (this.#discarded > limits.lingerBytesMax) this.#end();
  }

  /** Stops or starts reading by what the other side has taken. */
  #throttle(): void {
    if (this.#in.stopped || this.#gone) return;
    const waiting = this.#in.waiting || this.blocked ? this.#in.held : 0;
    const over = this.#uncredited >= limits.streamWindowBytes || waiting >= limits.pipelineBytesMax;
    const under = this.#uncredited <= streamResumeBytes() && waiting === 0;
    if (!this.#paused && over) {
      this.#paused = true;
      this.#link.pause();
    } else if (this.#paused && under) {
      this.#paused = false;
      this.#link.resume();
    }
  }

  #timeout(): void {
    const moving = this.#moved && this.#link.unsentBytes > 0;
    if ((this.#in.stopped || this.idle) && !moving) return this.#end();
    if (this.#output === NONE && !moving) {
      const sentence = `The request head was not complete after ${timeouts.headTimeoutMs} ms.`;
      return this.requestFault(new MeshError('head-timeout', 'downstream', sentence));
    }
    if (this.#moved) {
      this.#moved = false;
      return this.#side.wheel.set(this.#timer, timeouts.streamIdleMs);
    }
    const sentence = `Nothing moved for ${timeouts.streamIdleMs} ms.`;
    this.requestFault(new MeshError('deadline-passed', 'proxy', sentence));
  }

  #end(): void {
    if (this.#link.unsentBytes > 0) this.#link.reset();
    else this.#close();
  }

  /** Once what is owed has left; nothing is begun meanwhile. */
  #close(): void {
    this.#in.stop();
    this.#link.close();
  }
}
