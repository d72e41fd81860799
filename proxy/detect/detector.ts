/**
 * Which protocol a new downstream connection speaks. Where only HTTP is served, HTTP/2 by prior
 * knowledge begins with its preface (RFC 9113 section 3.3), and everything else is for HTTP/1.1 to
 * judge. Where anything may be spoken there is a Way, and:
 *
 *   declared opaque ───────────────────────────────────────────────> tunnel
 *   client's first bytes: preface ─> HTTP/2    a request line ─> HTTP/1.1    neither ─> tunnel
 *                         not to be told within detectTimeoutMs ───> tunnel, unless HTTP alone begins
 *                                                so: that has headTimeoutMs, and is answered 408
 *   no byte for serverFirstMs ─> upstream dialled: server's first bytes ─> tunnel, but HTTP/2's
 *                                                  SETTINGS: its client will speak
 *                                                  client's ─> as above
 *
 * A tunnel is decided before its upstream link is there: what its client sends until then is held, up
 * to tunnelBufferBytes. It is read on, so that one that goes away is dialled for no more.
 * All bytes that came are handed on: the session reads them as if it had been there from the start.
 */
import { Timer } from '../../base/timer-wheel.ts';
import { openingSoFar, opensHttp1 } from '../codec/http1/opening.ts';
import { matchPreface } from '../codec/http2/preface.ts';
import { limits, timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import { HeldBytes } from '../session/held-bytes.ts';
import { Http1Server } from '../session/http1-server.ts';
import { Http2Server } from '../session/http2-server.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import { Tunnel } from '../session/tunnel.ts';
import type { Link, OpenLink } from '../transport/link.ts';
import { type EarEvents, UpstreamEar } from './upstream-ear.ts';
import type { Detected, Way } from './way.ts';

/** Hears which session takes the place of the one that `begun` stood for. */
export type Decided = (begun: ServerSession, session: ServerSession) => void;

/**
 * Begins a connection: what hears of it until `decided` is given its session. Without a `way` it
 * speaks HTTP.
 */
export const detect = (
  side: ServerSide,
  way: Way | undefined,
  link: Link,
  decided: Decided,
): ServerSession => new Detector(side, way, link, decided);

/** A timer that is so late tells of a thread that is. */
const LATE_MS = 50;

type Judgement = 'http1' | 'http2' | 'tcp' | 'more';

/** Stands for the session until it is known which one is needed. */
export class Detector implements ServerSession, EarEvents {
  readonly #side: ServerSide;
  readonly #way: Way | undefined;
  readonly #link: Link;
  readonly #decided: Decided;
  readonly #held = new HeldBytes();
  readonly #timer = new Timer(() => this.#timeout());
  /** Made for the first silence. */
  #silence: Timer | undefined = undefined;
  readonly #begunUs: number;
  /** Why the connection is refused, once it is known how to say so. */
  #refusal: MeshError | undefined = undefined;
  /** Waits for the upstream link of a tunnel, or for what its server says. */
  #ear: UpstreamEar | undefined = undefined;
  /** "unknown": what is declared is not known; "http": nothing else is served. */
  #state: 'unknown' | 'http' | 'open' | 'tunnel' | 'over' = 'http';
  /** The bytes so far may be the beginning of anything. */
  #waitsForMore = false;
  /** Detection's time is up, and what came may still be HTTP alone. */
  #slow = false;
  #timedOut = false;
  #clientEnded = false;
  /** For so long its client may be silent before its server is listened at. */
  #awaitMs = 0;
  /** Since then, microseconds. */
  #silentUs = 0;
  /** The thread was late to look. */
  #overdue = false;
  /** Its client has until the timer to speak. */
  #ending = false;

  /** `decided` hears of the session before that hears of any byte. */
  constructor(side: ServerSide, way: Way | undefined, link: Link, decided: Decided) {
    this.#side = side;
    this.#way = way;
    this.#link = link;
    this.#decided = decided;
    this.#begunUs = this.#nowUs;
    side.wheel.set(this.#timer, side.idleMs ?? timeouts.downstreamIdleMs);
    if (way !== undefined) this.#begin(way);
  }

  get idle(): boolean {
    return this.#held.length === 0 && this.#state !== 'tunnel';
  }

  /** The first bytes of who has only just connected are under way: they are waited for. */
  closeIfIdle(): void {
    if (!this.idle) return;
    const leftMs = timeouts.detectTimeoutMs - (this.#nowUs - this.#begunUs) / 1_000;
    if (leftMs <= 0) return this.#link.close();
    this.#ending = true;
    this.#side.wheel.set(this.#timer, leftMs);
  }

  get #nowUs(): number {
    return this.#way?.parts.nowUs() ?? this.#side.wheel.nowMs * 1_000;
  }

  abort(): void {
    // Bytes that nobody has answered are cut, not ended.
    if (this.idle) this.#link.close();
    else this.#link.reset();
  }

  /** The session is told, when there is one. */
  goodbye(): void {}

  /** The answer waits for the first bytes, for a while: they tell how to answer. */
  requestFault(error: MeshError): void {
    if (this.#state === 'tunnel') return this.#link.reset();
    this.#refusal = error;
    this.#hushed();
    this.#leaveUpstream();
    this.#side.wheel.set(this.#timer, timeouts.lingerMs);
  }

  // ---- what is declared ----

  #begin(way: Way): void {
    const declared = way.parts.declared();
    if (declared === 'unknown') {
      this.#state = 'unknown';
      return way.parts.whenDeclared(() => {
        if (this.#state === 'unknown') this.#begin(way);
      });
    }
    this.#state = declared === undefined || declared === 'opaque' ? 'open' : 'http';
    if (declared === 'opaque') {
      return this.#refusal === undefined ? this.#toTunnel(way) : this.#link.reset();
    }
    if (this.#held.length > 0 || this.#clientEnded) {
      this.#link.resume();
      return this.#judgeHeld();
    }
    if (declared === undefined) this.#listenUpstream(way);
  }

  /** Sees to it that a server that speaks first is heard. */
  #listenUpstream(way: Way): void {
    if (this.#refusal !== undefined) return;
    if (way.first === 'server') return this.#dial(way);
    this.#awaitMs = way.patienceMs;
    this.#silentUs = way.parts.nowUs();
    this.#silence ??= new Timer(() => this.#silent());
    way.parts.fineWheel.set(this.#silence, this.#awaitMs);
  }

  /** Nobody waits for a silence any more. */
  #hushed(): void {
    if (this.#silence !== undefined) this.#way?.parts.fineWheel.cancel(this.#silence);
  }

  #silent(): void {
    const way = this.#way!;
    const silence = this.#silence!;
    // Another client may have spoken meanwhile, and shown that they do so first.
    const moreMs = way.patienceMs - this.#awaitMs;
    if (moreMs > 0) {
      this.#awaitMs += moreMs;
      return way.parts.fineWheel.set(silence, moreMs);
    }
    // A thread behind its work runs timers before it hears what its sockets have to say.
    const lateMs = (way.parts.nowUs() - this.#silentUs) / 1_000 - this.#awaitMs;
    if (lateMs > LATE_MS && !this.#overdue) {
      this.#overdue = true;
      return way.parts.fineWheel.set(silence, 1);
    }
    if (way.listening < limits.serverFirstDialsMax) return this.#dial(way);
    way.parts.fineWheel.set(silence, timeouts.detectTimeoutMs);
  }

  #dial(way: Way): void {
    this.#ear = new UpstreamEar(way, this);
    this.#ear.begin();
    if (this.#clientEnded) this.#ear?.hurry();
  }

  upstreamConnected(upstream: OpenLink): void {
    if (this.#state === 'tunnel') this.#tunnel(upstream);
    else if (!this.#waitsForMore && this.#way!.first !== 'client') this.#awaitEither(upstream.link);
  }

  upstreamSpoke(upstream: OpenLink, http: boolean): void {
    if (!http) this.#way!.first = 'server';
    this.#tunnel(upstream);
  }

  upstreamGreeted(): void {
    const way = this.#way!;
    this.#leaveUpstream();
    if (way.first === 'unknown') way.first = 'client';
    this.#awaitClient();
  }

  upstreamFailed(error: MeshError): void {
    const way = this.#way!;
    this.#ear = undefined;
    // A client that will speak is answered then; another has to look for its server anew.
    const speaks = way.first === 'client' || this.#waitsForMore;
    const answered = speaks && way.parts.outside?.() !== true;
    if (this.#state === 'open' && answered) return this.#awaitClient();
    if (this.#state === 'tunnel') this.#over('tcp');
    this.#side.refused(error);
    this.#link.reset();
  }

  /** Silent for as long as both like: the server knows how long that may be, and TCP who is there. */
  #awaitEither(upstream: Link): void {
    if (!this.#ending) this.#side.wheel.cancel(this.#timer);
    this.#link.keepAlive();
    upstream.keepAlive();
  }

  /** Nobody but the proxy knows any more for how long it may be silent. */
  #awaitClient(): void {
    if (this.#waitsForMore || this.#ending) return;
    this.#side.wheel.set(this.#timer, this.#side.idleMs ?? timeouts.downstreamIdleMs);
  }

  // ---- the link ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#held.length > 0 || this.#state === 'unknown' || this.#state === 'tunnel') {
      this.#held.add(bytes, start, end);
      if (this.#state === 'unknown') this.#link.pause();
      else if (this.#state !== 'tunnel') this.#judgeHeld();
      else if (this.#held.length >= limits.tunnelBufferBytes) this.#link.pause();
      return;
    }
    const judgement = this.#judge(bytes, start, end);
    if (judgement === 'http1' || judgement === 'http2') {
      return this.#toHttp(judgement).onBytes(bytes, start, end);
    }
    this.#held.add(bytes, start, end);
    this.#act(judgement);
  }

  onSent(): void {}

  onEnd(): void {
    this.#clientEnded = true;
    this.#ear?.hurry();
    if (this.#state === 'unknown' || this.#state === 'tunnel') return;
    if (this.#state === 'open' && this.#refusal === undefined) this.#toTunnel(this.#way!);
    else this.#handOn(this.#toHttp('http1'));
  }

  onClose(): void {
    this.#over(this.#state === 'tunnel' ? 'tcp' : 'none');
    this.#leaveUpstream();
    this.#side.closed(this);
  }

  // ---- judging ----

  #judge(bytes: Buffer, start: number, end: number): Judgement {
    const preface = matchPreface(bytes, start, end);
    if (preface === 'yes') return 'http2';
    if (this.#state === 'http' || preface === 'more') return preface === 'no' ? 'http1' : 'more';
    const http1 = opensHttp1(bytes, start, end);
    return http1 === 'yes' ? 'http1' : http1 === 'no' ? 'tcp' : 'more';
  }

  #judgeHeld(): void {
    const { bytes, end, start } = this.#held;
    this.#act(start === end ? 'more' : this.#judge(bytes, start, end));
  }

  #act(judgement: Judgement): void {
    if (judgement === 'http1' || judgement === 'http2') {
      return this.#handOn(this.#toHttp(judgement));
    }
    if (judgement === 'tcp' || this.#clientEnded) return this.#undecided();
    if (this.#refusal !== undefined) return;
    if (this.#slow && !this.#looksLikeHttp(this.#way!)) return this.#tooSlow(this.#way!);
    if (this.#waitsForMore) return;
    this.#waitsForMore = true;
    this.#hushed();
    const ms = this.#state === 'http' ? timeouts.headTimeoutMs : timeouts.detectTimeoutMs;
    this.#side.wheel.set(this.#timer, ms);
  }

  /** Not HTTP, as far as can be told. */
  #undecided(): void {
    if (this.#refusal !== undefined) return this.#link.reset();
    if (this.#state === 'open') this.#toTunnel(this.#way!);
    else this.#handOn(this.#toHttp('http1'));
  }

  #timeout(): void {
    if (this.#refusal !== undefined) {
      this.#toHttp('http1');
      return;
    }
    if (this.#held.length === 0) return this.#link.close();
    // It will be known, or not be, in time of its own.
    if (this.#state === 'unknown') return;
    if (this.#state === 'open' && !this.#slow) {
      if (!this.#looksLikeHttp(this.#way!)) return this.#tooSlow(this.#way!);
      const moreMs = timeouts.headTimeoutMs - timeouts.detectTimeoutMs;
      this.#slow = true;
      if (moreMs > 0) return this.#side.wheel.set(this.#timer, moreMs);
    }
    this.#timedOut = true;
    const sentence = `The first line was not complete after ${timeouts.headTimeoutMs} ms.`;
    this.#toHttp('http1').requestFault(new MeshError('head-timeout', 'downstream', sentence));
  }

  /** What came is not whole, and nothing but HTTP; or it may be, where clients have spoken it. */
  #looksLikeHttp(way: Way): boolean {
    const { bytes, end, start } = this.#held;
    const soFar = openingSoFar(bytes, start, end);
    if (soFar === 'line' || way.first !== 'client') return soFar === 'line';
    return soFar === 'method' || matchPreface(bytes, start, end) === 'more';
  }

  /** Its client may wait for the server to say something. */
  #tooSlow(way: Way): void {
    this.#timedOut = true;
    this.#toTunnel(way);
  }

  // ---- the session ----

  #toHttp(protocol: 'http1' | 'http2'): ServerSession {
    const side = this.#side;
    const link = this.#link;
    const way = this.#way;
    if (way !== undefined && way.first === 'unknown' && this.#state === 'open')
      way.first = 'client';
    this.#over(protocol);
    this.#leaveUpstream();
    const session =
      protocol === 'http2' ? new Http2Server(side, link) : new Http1Server(side, link);
    link.events = session;
    this.#decided(this, session);
    if (this.#refusal !== undefined) session.requestFault(this.#refusal);
    return session;
  }

  #handOn(session: ServerSession): void {
    const { bytes, end, start } = this.#held;
    if (start < end) session.onBytes(bytes, start, end);
    this.#held.clear();
    if (this.#clientEnded) session.onEnd();
  }

  /** It is a tunnel; its upstream link may be there already. */
  #toTunnel(way: Way): void {
    this.#state = 'tunnel';
    this.#side.wheel.cancel(this.#timer);
    this.#hushed();
    if (this.#ear === undefined) this.#dial(way);
    else if (this.#ear.upstream !== undefined) this.#tunnel(this.#ear.upstream);
  }

  #tunnel(upstream: OpenLink): void {
    this.#over('tcp');
    this.#ear?.handOver();
    this.#ear = undefined;
    const tunnel = new Tunnel(this.#side, this.#link, upstream);
    this.#link.events = tunnel;
    upstream.link.events = tunnel.upstream;
    this.#decided(this, tunnel);
    this.#link.resume();
    this.#handOn(tunnel);
  }

  /** Nothing is detected any more. */
  #over(result: Detected): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#side.wheel.cancel(this.#timer);
    const parts = this.#way?.parts;
    if (parts === undefined) return;
    this.#hushed();
    parts.detected(result, this.#nowUs - this.#begunUs, this.#timedOut);
  }

  #leaveUpstream(): void {
    this.#ear?.leave();
    this.#ear = undefined;
  }
}
