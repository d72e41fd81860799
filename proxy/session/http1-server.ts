/**
 * HTTP/1.1 towards the downstream (RFC 9112): one exchange at a time on a link.
 *
 *   input:   HEAD ─head─> BODY ─end─> WAIT ─answered─> HEAD …        (no body: HEAD ─> WAIT)
 *            any ─fault or close─> DISCARD ─FIN, limit or time─> gone
 *   output:  NONE ─head─> PENDING ─response head─> SENDING ─end─> ANSWERED ─next request─> NONE
 *
 * Bytes that cannot be used yet (half a head, a pipelined request) are held, bounded, and reading
 * stops. A client's FIN is no cancel: what it asked for is answered first.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { CR, LF, putText } from '../codec/http1/bytes.ts';
import {
  BODY_END,
  CHUNK_END,
  CHUNK_HEAD_BYTES_MAX,
  LAST_CHUNK,
  writeChunkHead,
} from '../codec/http1/chunk-writer.ts';
import { hasToken } from '../codec/http1/framing.ts';
import {
  HEAD_DONE,
  HEAD_INCOMPLETE,
  HeadParser,
  type HeadResult,
} from '../codec/http1/head-parser.ts';
import { writeResponseHead, writeTrailers } from '../codec/http1/head-writer.ts';
import { isMethod } from '../codec/http1/request-target.ts';
import { toResponse } from '../errors.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits, timeouts } from '../limits.ts';
import { BODY_LENGTH_UNKNOWN, type RequestSink, type ResponseSink } from '../model/exchange.ts';
import { FIELD_CONNECTION, FIELD_CONTENT_TYPE, FIELD_EXPECT } from '../model/field.ts';
import { Head } from '../model/head.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { type BodyEvents, BodyReader } from './body-reader.ts';
import { HeldBytes } from './held-bytes.ts';
import { answerText } from './http1-answer.ts';
import { checkRequest, headError } from './http1-request.ts';

/** What a server session needs from its side of the proxy. */
export interface ServerSide {
  readonly wheel: TimerWheel;
  /** The downstream is the local application: it is told what went wrong. */
  readonly local: boolean;
  /** Connections end with their current answer. */
  readonly goodbye: () => boolean;
  /** Begins an exchange; `body` is its length or BODY_LENGTH_UNKNOWN. May answer at once. */
  readonly open: (downstream: ResponseSink, head: Head, body: number) => RequestSink;
  /** An error was answered that no exchange knows of. */
  readonly refused: (error: MeshError) => void;
  readonly closed: (session: Http1Server) => void;
}

const HEAD = 0;
const BODY = 1;
const WAIT = 2;
const DISCARD = 3;

const NONE = 0;
const PENDING = 1;
const SENDING = 2;
const ANSWERED = 3;

export class Http1Server implements LinkEvents, ResponseSink, BodyEvents {
  readonly #side: ServerSide;
  readonly #link: Link;
  readonly #parser = new HeadParser(new Head(), limits);
  readonly #body = new BodyReader(this, this.#parser);
  readonly #held = new HeldBytes();
  readonly #timer: Timer;
  #input = HEAD;
  #output = NONE;
  #exchange: RequestSink | undefined = undefined;
  #reading = false;
  #paused = false;
  #clientEnded = false;
  #gone = false;
  /** Something moved since the stream timer was last looked at. */
  #moved = false;
  #keepAlive = true;
  #minor = 1;
  #headRequest = false;
  #grpc = false;
  /** The client waits for 100 (Continue) before it sends the body. */
  #expects = false;
  #chunkedOut = false;
  #trailersOut = false;
  #unwanted = false;
  /** Request data that has not left upstream. */
  #uncredited = 0;
  /** Response data that has not left downstream. */
  #owed = 0;
  #discarded = 0;

  constructor(side: ServerSide, link: Link) {
    this.#side = side;
    this.#link = link;
    this.#timer = new Timer(() => this.#timeout());
    this.#parser.start('request');
    side.wheel.set(this.#timer, timeouts.downstreamIdleMs);
  }

  /** No exchange and no part of one. */
  get idle(): boolean {
    return this.#output === NONE && this.#held.length === 0;
  }

  /** Ends the link when it is idle; otherwise it ends with its current answer. */
  closeIfIdle(): void {
    this.#keepAlive = false;
    if (this.idle) this.#link.close();
  }

  /** The drain is over: no answer any more. */
  abort(error: MeshError): void {
    if (this.#output === PENDING || this.#output === SENDING) this.#fault(error);
    else this.#link.close();
  }

  // ---- bytes from the downstream ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#moved = true;
    if (this.#input === DISCARD) return this.#discard(end - start);
    const held = this.#held;
    if (held.length > 0 || this.#input === WAIT) {
      held.add(bytes, start, end);
      this.#readHeld();
    } else {
      const at = this.#read(bytes, start, end);
      if (at < end) held.add(bytes, at, end);
    }
    this.#throttle();
  }

  /** Answers of earlier requests pile up unsent: the next one waits. */
  get #blocked(): boolean {
    return this.#link.unsentBytes >= limits.streamWindowBytes;
  }

  #readHeld(): void {
    const held = this.#held;
    if (this.#reading || held.length === 0) return;
    const at = this.#read(held.bytes, held.start, held.end);
    if (this.#input === DISCARD) held.clear();
    else held.usedTo(at);
  }

  /** Takes what can be used now and returns where it stopped. */
  #read(bytes: Buffer, start: number, end: number): number {
    this.#reading = true;
    let at = start;
    let before = -1;
    while (at < end && at !== before) {
      before = at;
      if (this.#input === HEAD) at = this.#readHead(bytes, at, end);
      else if (this.#input === BODY) at = this.#readBody(bytes, at, end);
      else if (this.#input === DISCARD) at = end;
    }
    this.#reading = false;
    return at;
  }

  #readHead(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#parser.offset === 0) {
      if (this.#blocked) return at;
      // Empty lines before a request are tolerated (RFC 9112 2.2).
      while (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
      if (at === end || (bytes[at] === CR && at + 1 === end)) return at;
      this.#side.wheel.set(this.#timer, timeouts.headMs);
    }
    const result = this.#parser.parse(bytes, at, end);
    if (result === HEAD_INCOMPLETE) return at;
    if (result !== HEAD_DONE) return this.#refuseHead(result, end);
    const { head } = this.#parser;
    // The session may begin the next head before this call is over.
    const after = at + head.length;
    this.#request(head);
    return after;
  }

  #refuseHead(result: HeadResult, end: number): number {
    this.#headRequest = false;
    this.#grpc = false;
    this.#fault(headError(result));
    return end;
  }

  #request(head: Head): void {
    this.#side.wheel.set(this.#timer, timeouts.streamIdleMs);
    this.#minor = head.minor;
    this.#headRequest = isMethod(head, 'HEAD');
    const type = head.find(FIELD_CONTENT_TYPE);
    this.#grpc = type !== -1 && head.value(type).toLowerCase().startsWith('application/grpc');
    const framing = checkRequest(head);
    if (framing instanceof MeshError) return this.#fault(framing);
    this.#keepAlive =
      head.minor > 0
        ? !hasToken(head, FIELD_CONNECTION, 'close')
        : hasToken(head, FIELD_CONNECTION, 'keep-alive');
    this.#expects = framing !== 0 && hasToken(head, FIELD_EXPECT, '100-continue');
    this.#body.expect(framing);
    this.#unwanted = false;
    this.#discarded = 0;
    this.#output = PENDING;
    this.#input = BODY;
    const exchange = this.#side.open(this, head, framing < 0 ? BODY_LENGTH_UNKNOWN : framing);
    // An exchange that failed at once is over and belongs to another request soon.
    this.#exchange = this.#unwanted ? undefined : exchange;
    this.#parser.start('request');
    if (this.#body.done && this.#input === BODY) this.#requestDone();
  }

  #readBody(bytes: Buffer, from: number, end: number): number {
    const at = this.#body.read(bytes, from, end);
    if (this.#body.invalid) {
      this.#fault(
        new MeshError('malformed-request', 'downstream', 'The request body is malformed.'),
      );
      return end;
    }
    if (this.#body.done && this.#input === BODY) this.#requestDone();
    return at;
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

  #requestDone(): void {
    this.#input = WAIT;
    this.#parser.start('request');
    this.#exchange?.requestEnd();
    if (this.#output === ANSWERED) this.#next();
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.#input === BODY && this.#output !== ANSWERED) {
      const sentence = 'The request ended before its body was complete.';
      return this.#fault(new MeshError('malformed-request', 'downstream', sentence));
    }
    if (this.#input === WAIT && this.#output !== ANSWERED) return;
    this.#link.close();
  }

  onClose(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#side.wheel.cancel(this.#timer);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#held.clear();
    if (exchange !== undefined) exchange.requestReset(CANCELLED);
    this.#side.closed(this);
  }

  // ---- the answer ----

  responseInformational(head: Head): void {
    if (this.#minor === 0) return;
    if (head.status === 100) this.#expects = false;
    const out = this.#link.room(head.length + limits.headGrowthBytesMax);
    const at = this.#link.length;
    const options = { chunked: false, connection: undefined };
    this.#link.advance(writeResponseHead(out, at, head, options) - at);
  }

  responseHead(head: Head, body: number): void {
    this.#moved = true;
    this.#output = SENDING;
    const unknown = body === BODY_LENGTH_UNKNOWN;
    this.#chunkedOut = unknown && this.#minor > 0;
    this.#trailersOut = false;
    // A client that still waits for 100 may never send the body the connection owes.
    const closes = this.#expects || (unknown && this.#minor === 0) || this.#side.goodbye();
    this.#keepAlive = this.#keepAlive && !closes;
    const out = this.#link.room(head.length + limits.headGrowthBytesMax);
    const at = this.#link.length;
    this.#link.advance(
      writeResponseHead(out, at, head, {
        chunked: this.#chunkedOut,
        connection: this.#keepAlive ? (this.#minor > 0 ? undefined : 'keep-alive') : 'close',
      }) - at,
    );
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size === 0) return;
    this.#moved = true;
    this.#owed += size;
    const link = this.#link;
    if (!this.#chunkedOut) return link.write(bytes, start, end);
    const out = link.room(CHUNK_HEAD_BYTES_MAX);
    link.advance(writeChunkHead(out, link.length, size) - link.length);
    link.write(bytes, start, end);
    link.write(CHUNK_END, 0, CHUNK_END.length);
  }

  responseTrailers(trailers: Head): void {
    if (!this.#chunkedOut) return;
    this.#trailersOut = true;
    const link = this.#link;
    link.write(LAST_CHUNK, 0, LAST_CHUNK.length);
    const out = link.room(trailers.length + limits.headGrowthBytesMax);
    link.advance(writeTrailers(out, link.length, trailers) - link.length);
  }

  responseEnd(): void {
    if (this.#chunkedOut && !this.#trailersOut) this.#link.write(BODY_END, 0, BODY_END.length);
    this.#answered();
  }

  responseReset(error: MeshError): void {
    this.#unwanted = true;
    this.#exchange = undefined;
    if (this.#output === SENDING) return this.#cut();
    if (this.#output === PENDING) this.#answer(error);
  }

  requestCredit(bytes: number): void {
    this.#uncredited -= bytes;
    this.#throttle();
  }

  requestUnwanted(): void {
    this.#unwanted = true;
    this.#exchange = undefined;
    this.#uncredited = 0;
    this.#throttle();
  }

  onSent(bytes: number): void {
    this.#moved = true;
    if (this.#owed > 0) {
      const left = this.#link.unsentBytes === 0 ? this.#owed : Math.min(this.#owed, bytes);
      this.#owed -= left;
      this.#exchange?.responseCredit(left);
    }
    if (this.#input === HEAD && this.#held.length > 0 && !this.#blocked) {
      this.#readHeld();
      this.#throttle();
    }
  }

  // ---- ends ----

  /** Writes the proxy's own answer. */
  #answer(error: MeshError): void {
    const response = toResponse(error, { grpc: this.#grpc, local: this.#side.local });
    if (response.close || this.#expects || this.#side.goodbye()) this.#keepAlive = false;
    const text = answerText(response, {
      keepAlive: this.#keepAlive,
      minor: this.#minor,
      headRequest: this.#headRequest,
    });
    const out = this.#link.room(text.length);
    this.#link.advance(putText(out, this.#link.length, text) - this.#link.length);
    this.#answered();
  }

  /** A failure that this side found; the exchange, if there is one, ends with it. */
  #fault(error: MeshError): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined) this.#side.refused(error);
    exchange?.requestReset(error);
    this.#keepAlive = false;
    this.#input = DISCARD;
    if (this.#output === SENDING) return this.#cut();
    if (this.#output === ANSWERED) return this.#linger();
    this.#output = PENDING;
    this.#answer(error);
  }

  /** A truncated answer never looks whole: only a reset ends one that lasts until the close. */
  #cut(): void {
    this.#exchange = undefined;
    this.#input = DISCARD;
    this.#output = ANSWERED;
    this.#side.wheel.set(this.#timer, timeouts.lingerMs);
    if (this.#minor === 0) this.#link.reset();
    else this.#link.close();
  }

  #answered(): void {
    this.#output = ANSWERED;
    if (!this.#keepAlive) {
      const exchange = this.#exchange;
      if (this.#input === BODY) {
        this.#exchange = undefined;
        exchange?.requestReset(CANCELLED);
      }
      return this.#linger();
    }
    if (this.#input === WAIT) this.#next();
  }

  /** Both halves are done: the next request, which may be here already. */
  #next(): void {
    this.#exchange = undefined;
    this.#input = HEAD;
    this.#output = NONE;
    this.#uncredited = 0;
    this.#owed = 0;
    this.#side.wheel.set(this.#timer, timeouts.downstreamIdleMs);
    if (!this.#keepAlive) return this.#linger();
    if (this.#held.length > 0) {
      this.#readHeld();
      this.#throttle();
    }
    if (this.#clientEnded && this.#output === NONE && !this.#reading) this.#link.close();
  }

  /** FIN, then what still comes is read and dropped, so that no reset destroys the answer. */
  #linger(): void {
    this.#input = DISCARD;
    this.#held.clear();
    this.#discarded = 0;
    if (this.#clientEnded) return this.#link.close();
    this.#link.end();
    this.#link.resume();
    this.#side.wheel.set(this.#timer, timeouts.lingerMs);
  }

  #discard(bytes: number): void {
    this.#discarded += bytes;
    if (this.#discarded > limits.lingerBytesMax) this.#link.close();
  }

  /** Stops or starts reading by what the other side has taken. */
  #throttle(): void {
    if (this.#input === DISCARD || this.#gone) return;
    const waiting = this.#input === WAIT || this.#blocked ? this.#held.length : 0;
    const over = this.#uncredited >= limits.streamWindowBytes || waiting >= limits.pipelineBytesMax;
    const under = this.#uncredited <= limits.streamResumeBytes && waiting === 0;
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
    if ((this.#input === DISCARD || this.idle) && !moving) return this.#end();
    if (this.#output === NONE && !moving) {
      const sentence = `The request head was not complete after ${timeouts.headMs} ms.`;
      return this.#fault(new MeshError('head-timeout', 'downstream', sentence));
    }
    if (this.#moved) {
      this.#moved = false;
      return this.#side.wheel.set(this.#timer, timeouts.streamIdleMs);
    }
    const sentence = `Nothing moved for ${timeouts.streamIdleMs} ms.`;
    this.#fault(new MeshError('deadline-passed', 'proxy', sentence));
  }

  #end(): void {
    if (this.#link.unsentBytes > 0) this.#link.reset();
    else this.#link.close();
  }
}

const CANCELLED = new MeshError('cancelled', 'downstream', 'The downstream went away.');
