/**
 * HTTP/1.1 towards an upstream (RFC 9112): one attempt at a time on a pooled link.
 *
 *   output:  IDLE ─head─> SENDING ─end─> SENT                    both done and persistent: IDLE,
 *   input:   IDLE ─head─> HEAD ─1xx─┐─head─> BODY ─end─> DONE    back to the pool; else the link
 *                           <───────┘                            ends
 *   a tunnel is granted: the link is tunnel-end.ts's, and of no use to others
 *
 * Bytes that nobody asked for, on an idle link or behind a response, end the link: they would be
 * taken for the answer to the next request.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { BODY_UNTIL_CLOSE, responseFraming } from '../codec/http1/framing.ts';
import { HEAD_DONE, HEAD_INCOMPLETE, type HeadParser } from '../codec/http1/head-parser.ts';
import { writeRequestHead } from '../codec/http1/head-writer.ts';
import { keepAliveMs, keepsConnection } from '../codec/http1/keep-alive.ts';
import { isMethod } from '../codec/http1/request-target.ts';
import type { MeshError } from '../model/mesh-error.ts';
import { limits, timeouts } from '../limits.ts';
import { BODY_LENGTH_UNKNOWN, type ResponseSink, type UpstreamStream } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { type BodyEvents, BodyReader } from './body-reader.ts';
import { BodyWriter } from './body-writer.ts';
import { giveHeadParser, takeHeadParser } from './head-parsers.ts';
import { HeldBytes } from './held-bytes.ts';
import { ReadAhead } from './read-ahead.ts';
import { TunnelEnd } from './tunnel-end.ts';
import { TunnelRequest } from './tunnel-request.ts';
import { UpstreamSide } from './tunnel-sides.ts';
import { UpstreamErrors, faultOfHead } from './upstream-errors.ts';

/** What a client session needs from the pool that owns it. */
export interface ClientOwner {
  readonly wheel: TimerWheel;
  /** Connected: the session may be used. */
  opened(session: Http1Client): void;
  /** The connection could not be made. */
  failed(session: Http1Client, error: MeshError): void;
  /** The session is idle and may be used again within `idleMs`. */
  released(session: Http1Client, idleMs: number): void;
  /** The session must not be used any more. */
  closed(session: Http1Client): void;
}

const [IDLE, SENDING, SENT, HEAD, BODY, DONE] = [0, 1, 2, 1, 2, 3];

/** One upstream connection. */
export class Http1Client implements LinkEvents, UpstreamStream, BodyEvents {
  readonly protocol = 'http1';
  /** Requests this connection has answered: a used one may have been closed under the next. */
  served = 0;
  readonly #owner: ClientOwner;
  /** How a request goes out. `host`: "address:port" of the endpoint, for messages too. */
  readonly #way: { chunked: boolean; readonly host: string; added: string };
  readonly #errors: UpstreamErrors;
  #parser: HeadParser | undefined = undefined;
  readonly #body = new BodyReader(this);
  readonly #held = new HeldBytes();
  readonly #timer: Timer;
  #link!: Link;
  #out!: BodyWriter;
  #ahead!: ReadAhead;
  #sink: ResponseSink | undefined = undefined;
  #output = IDLE;
  #input = IDLE;
  #opened = false;
  #overdueTicks = 0;
  #gone = false;
  #ended = false;
  #moved = false;
  #persistent = true;
  #idleMs: number = timeouts.upstreamIdleMs;
  #headRequest = false;
  #informational = 0;
  /** The request asks for a tunnel, and it was granted. */
  #asked: TunnelRequest | undefined = undefined;
  #tunnel: TunnelEnd | undefined = undefined;

  constructor(owner: ClientOwner, host: string) {
    this.#owner = owner;
    this.#way = { chunked: false, host, added: '' };
    this.#errors = new UpstreamErrors(host);
    this.#timer = new Timer(() => this.#timeout());
  }

  /** The link this session speaks on, being dialled for `connectMs`; 0: while the system tries. */
  attach(link: Link, connectMs: number = timeouts.connectTimeoutMs): void {
    this.#link = link;
    this.#out = new BodyWriter(link);
    this.#ahead = new ReadAhead(link);
    if (connectMs > 0) this.#owner.wheel.set(this.#timer, connectMs);
  }

  /** The dial ends with the time of dials into the mesh from here on, if it has no time yet. */
  hurry(): void {
    if (this.#opened || this.#gone || this.#timer.armed) return;
    this.#owner.wheel.set(this.#timer, timeouts.connectTimeoutMs);
  }

  onOpen(): void {
    this.#opened = true;
    this.#owner.wheel.set(this.#timer, timeouts.upstreamIdleMs);
    this.#owner.opened(this);
  }

  // HOT: per exchange. Sends the head; the answer goes to `sink`.
  request(head: Head, body: number, sink: ResponseSink): void {
    this.#owner.wheel.set(this.#timer, timeouts.streamIdleMs);
    this.#sink = sink;
    this.#output = SENDING;
    this.#input = HEAD;
    this.#headRequest = isMethod(head, 'HEAD');
    this.#way.chunked = body === BODY_LENGTH_UNKNOWN;
    this.#out.begin(this.#way.chunked);
    this.#informational = 0;
    this.#persistent = true;
    this.#moved = false;
    this.#ahead.clear();
    const link = this.#link;
    const out = link.room(head.length + limits.headGrowthBytesMax);
    this.#asked = TunnelRequest.of(head);
    this.#way.added = this.#asked?.missingLines ?? '';
    link.advance(writeRequestHead(out, link.length, head, this.#way) - link.length);
  }

  // HOT: per frame.
  requestData(bytes: Buffer, start: number, end: number): void {
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) return tunnel.write(bytes, start, end);
    if (this.#gone) return;
    this.#moved = true;
    this.#out.data(bytes, start, end);
  }

  requestTrailers(trailers: Head): void {
    if (!this.#gone) this.#out.trailers(trailers);
  }

  requestEnd(): void {
    if (this.#tunnel !== undefined) return this.#tunnel.end();
    if (this.#gone) return;
    this.#out.end();
    this.#output = SENT;
    if (this.#input === DONE) this.#finishWhenSent();
  }

  /** HTTP/1.1 cancels a request only by ending its connection. */
  requestReset(): void {
    if (this.#tunnel !== undefined) return this.#tunnel.reset();
    this.#sink = undefined;
    this.#retire();
    this.#link.reset();
  }

  responseCredit(bytes: number): void {
    if (this.#tunnel !== undefined) return this.#tunnel.credit(bytes);
    this.#ahead.returned(bytes);
  }

  // HOT: per exchange. Idle for more than half of the time after which it is closed.
  get stale(): boolean {
    return this.#owner.wheel.left(this.#timer) * 2 < this.#idleMs;
  }

  /** Ends the connection, in order. */
  close(): void {
    this.#retire();
    this.#endLink();
  }

  /** What a peer has not read by now it never will, and a link waits for it without end. */
  #endLink(): void {
    if (this.#link.unsentBytes > 0) this.#link.reset();
    else this.#link.close();
  }

  onSent(bytes: number): void {
    this.#moved = true;
    const left = this.#out.sent(bytes);
    if (left > 0) this.#sink?.requestCredit(left);
    if (this.#output === SENT && this.#input === DONE && !this.#gone) this.#finishWhenSent();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#moved = true;
    if (this.#gone) return;
    if (this.#held.length > 0) {
      this.#held.add(bytes, start, end);
      const at = this.#read(this.#held.bytes, this.#held.start, this.#held.end);
      if (this.#gone || this.#input === IDLE) this.#held.clear();
      else this.#held.usedTo(at);
    } else {
      const at = this.#read(bytes, start, end);
      if (at < end && !this.#gone) this.#held.add(bytes, at, end);
    }
    if (this.#input === BODY && !this.#gone) this.#ahead.pauseIfFull();
  }

  /** Returns where it stopped: before bytes of an unfinished head or trailer section. */
  #read(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let before = -1;
    while (at < end && at !== before && !this.#gone) {
      before = at;
      const tunnel = this.#tunnel;
      if (tunnel !== undefined) {
        tunnel.onBytes(bytes, at, end);
        return end;
      }
      if (this.#input === HEAD) at = this.#readHead(bytes, at, end);
      else if (this.#input === BODY) at = this.#readBody(bytes, at, end);
      else {
        this.#persistent = false;
        if (this.#input === IDLE) this.requestReset();
        return end;
      }
    }
    // A response may end with the bytes read, or with its head.
    if (this.#input === BODY && this.#body.done) this.#responseDone(at < end);
    return at;
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    const parser = (this.#parser ??= takeHeadParser('response'));
    const result = parser.parse(bytes, at, end);
    if (result === HEAD_INCOMPLETE) return at;
    this.#parser = undefined;
    if (result !== HEAD_DONE) {
      this.#protocolError(faultOfHead(result));
      return end;
    }
    const { head } = parser;
    if (this.#asked?.isGrantedBy(head) === true) this.#beginTunnel(head);
    else if (head.status < 200) this.#interim(head);
    else this.#responseHead(head);
    giveHeadParser(parser);
    return at + head.length;
  }

  /** What comes behind the head is the tunnel's. */
  #beginTunnel(head: Head): void {
    if (this.#output !== SENT) {
      return this.#protocolError('granted a tunnel before it had the whole request');
    }
    this.#owner.wheel.cancel(this.#timer);
    const side = new UpstreamSide(this.#sink!, this.#way.host, () => this.#retire());
    this.#tunnel = new TunnelEnd(this.#owner.wheel, this.#link, side);
    this.#link.events = this.#tunnel;
    side.grant(head);
  }

  #interim(head: Head): void {
    if (head.status === 101 || ++this.#informational > limits.informationalMax) {
      return this.#protocolError('sent an interim response nobody asked for');
    }
    this.#sink?.responseInformational(head);
  }

  #responseHead(head: Head): void {
    const framing = responseFraming(head, this.#headRequest);
    if (framing < BODY_UNTIL_CLOSE)
      return this.#protocolError('sent an answer of ambiguous length');
    this.#body.expect(framing);
    this.#input = BODY;
    this.#idleMs = Math.min(timeouts.upstreamIdleMs, keepAliveMs(head));
    this.#persistent = !this.#body.untilClose && this.#idleMs > 0 && keepsConnection(head);
    this.#sink?.responseHead(head, framing < 0 ? BODY_LENGTH_UNKNOWN : framing);
  }

  #readBody(bytes: Buffer, from: number, end: number): number {
    if (this.#body.done) {
      this.#responseDone(true);
      return end;
    }
    const at = this.#body.read(bytes, from, end);
    if (this.#body.invalid) {
      this.#protocolError('sent a malformed response body');
      return end;
    }
    return at;
  }

  bodyData(bytes: Buffer, start: number, end: number): void {
    this.#ahead.passed(end - start);
    this.#sink?.responseData(bytes, start, end);
  }

  bodyTrailers(trailers: Head): void {
    this.#sink?.responseTrailers(trailers);
  }

  /** `excess`: bytes follow that belong to no response. */
  #responseDone(excess: boolean): void {
    this.#input = DONE;
    const sink = this.#sink;
    if (excess || this.#ended) this.#persistent = false;
    const sent = this.#output === SENT;
    if (sent) this.#finishWhenSent();
    sink?.responseEnd();
    if (sent || this.#persistent || this.#gone) return;
    // The upstream ends the connection before it has read the request.
    this.#finish();
    sink?.requestUnwanted();
  }

  /** Both halves are done; the next request must not queue behind bytes of this one. */
  #finishWhenSent(): void {
    this.#sink = undefined;
    if (this.#link.unsentBytes === 0) this.#finish();
  }

  #finish(): void {
    this.#sink = undefined;
    this.#output = IDLE;
    this.#input = IDLE;
    this.served++;
    if (!this.#persistent) return this.close();
    this.#ahead.clear();
    this.#owner.wheel.set(this.#timer, this.#idleMs);
    this.#owner.released(this, this.#idleMs);
  }

  /** `what` the upstream did. */
  #protocolError(what: string): void {
    this.#fail(this.#errors.broke(what));
    this.#link.reset();
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#gone) return this.#endLink();
    if (this.#input === BODY && this.#body.untilClose) {
      this.#body.close();
      return this.#responseDone(false);
    }
    if (this.#input === DONE) return this.#lost();
    this.#fail(this.#endError());
    this.#endLink();
  }

  onClose(error: MeshError | undefined): void {
    if (this.#gone) return;
    if (!this.#opened) {
      this.#retire();
      return this.#owner.failed(this, error ?? this.#errors.dialRefused());
    }
    if (this.#input === DONE) return this.#lost();
    this.#fail(error?.code === 'deadline-passed' ? error : this.#endError());
  }

  /** The connection went while the rest of an already answered request was on its way. */
  #lost(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.close();
    sink?.requestUnwanted();
  }

  #endError(): MeshError {
    if (this.#input !== HEAD) return this.#errors.endedMidway();
    const reused = this.served > 0 && this.#informational === 0 && this.#held.length === 0;
    return this.#errors.endedUnanswered(reused, this.#ended ? 'orderly' : 'cut');
  }

  #fail(error: MeshError): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#retire();
    sink?.responseReset(error);
  }

  /** Leaves the pool; the link ends by whoever called. */
  #retire(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#owner.wheel.cancel(this.#timer);
    this.#held.clear();
    this.#owner.closed(this);
  }

  #timeout(): void {
    if (!this.#opened) {
      // A thread behind its work runs timers before it hears what its sockets have to say.
      if (this.#overdueTicks++ === 0) return this.#owner.wheel.set(this.#timer, 1);
      this.#retire();
      this.#link.reset();
      return this.#owner.failed(this, this.#errors.dialTimedOut());
    }
    if (this.#input === IDLE) return this.close();
    // While we do not read, it is not the upstream that stalls: the downstream's timer counts.
    if (this.#moved || this.#ahead.paused) {
      this.#moved = false;
      return this.#owner.wheel.set(this.#timer, timeouts.streamIdleMs);
    }
    if (this.#input === DONE) return this.#lost();
    this.#fail(this.#errors.stalled());
    this.#link.reset();
  }
}
