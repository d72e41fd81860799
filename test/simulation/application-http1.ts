/** A connection of HTTP/1.1 at an application: one request after the other. */
import { Http1Reader, type ReaderEvents, type TextHead } from './http1-reader.ts';
import { type Ask, type Ledger, Violation } from './ledger.ts';
import type { Peer, PeerEvents } from './peer.ts';
import { type After, type AnswerWriter, Serving, tooEarly } from './serving.ts';

/** What no client may ever take for the answer to its request. */
const POISON = Buffer.from('HTTP/1.1 200 OK\r\nX-Id: 0\r\nContent-Length: 6\r\n\r\npoison');
/** A request that is never whole, and that nobody counts. */
const STRANGERS = 'POST / HTTP/1.1';
/** Bytes nobody asked for come at once, or when the connection may be in use again. */
const EXCESS_DELAYS_MS = [0, 0, 1, 50, 700];
const IDLE_CLOSE_MS_MAX = 3_000;

/** What its application gives it. */
export interface ConnectionParts {
  readonly name: string;
  readonly after: After;
  readonly ledger: Ledger;
  /** Requests that are on their way to this application now may be lost. */
  readonly blameNow: () => void;
  /** It has, or had until now, all the streams it allows: others may wait for one. */
  readonly crowded: () => void;
  /** The application ends: each answer is the last of its connection. */
  readonly leaving: () => boolean;
  readonly closed: () => void;
}

/** One connection. */
export class ApplicationHttp1 implements PeerEvents, ReaderEvents, AnswerWriter {
  readonly name: string;
  /** It has had a request. */
  used = false;
  readonly #parts: ConnectionParts;
  readonly #peer: Peer;
  readonly #reader = new Http1Reader('request', this);
  #serving: Serving | undefined = undefined;
  #requestEnded = false;
  #answered = false;
  #chunked = false;
  #last = false;

  constructor(parts: ConnectionParts, peer: Peer) {
    this.#parts = parts;
    this.name = parts.name;
    this.#peer = peer;
    peer.events = this;
  }

  get idle(): boolean {
    return this.#serving === undefined && this.#reader.between;
  }

  /** In order, when nothing is under way. */
  closeIfIdle(): void {
    if (this.idle) this.#peer.close();
  }

  // ---- the link ----

  received(bytes: Buffer): void {
    if (!this.#peer.over) this.#reader.read(bytes);
  }

  ended(): void {
    // A proxy never half-closes: what is under way is not wanted any more.
    if (!this.#reader.between || this.#serving !== undefined) this.#serving?.lost();
    this.#peer.close();
  }

  closed(): void {
    this.#serving?.lost();
    this.#parts.closed();
  }

  // ---- the request ----

  head({ startLine, fields }: TextHead): void {
    if (this.#serving !== undefined) throw tooEarly(this.name);
    this.used = true;
    if (startLine === STRANGERS) return;
    const ask = this.#parts.ledger.find(fields.get('x-id'));
    if (!startLine.startsWith(`${ask.plan.method} /ask/${ask.id} `)) {
      throw new Violation(`ask ${ask.id} arrives as ${startLine}`);
    }
    this.#requestEnded = false;
    this.#answered = false;
    this.#serving = new Serving(this.#parts.after, ask, this);
  }

  data(bytes: Buffer): void {
    this.#serving?.data(bytes);
  }

  end(): void {
    this.#requestEnded = true;
    this.#serving?.end();
    this.#endIfBoth();
  }

  #endIfBoth(): void {
    if (!this.#requestEnded || !this.#answered) return;
    this.#serving = undefined;
    // The request may have been read whole before the application stalled.
    this.#peer.resume();
    if (this.#last) this.#peer.close();
  }

  // ---- the answer ----

  get gone(): boolean {
    return this.#peer.over;
  }

  answerHead(ask: Ask): void {
    const { framing, mishap, responseBytes } = ask.plan;
    this.#last = framing === 'close' || mishap === 'close' || this.#parts.leaving();
    this.#chunked = framing === 'chunked';
    const lines = ['HTTP/1.1 200 OK', `X-Id: ${ask.id}`];
    if (this.#chunked) lines.push('Transfer-Encoding: chunked');
    else if (framing === 'length') lines.push(`Content-Length: ${responseBytes}`);
    if (this.#last) lines.push('Connection: close');
    this.#peer.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  }

  answerData(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#chunked) this.#peer.send(Buffer.from(`${bytes.length.toString(16)}\r\n`));
    this.#peer.send(bytes);
    if (this.#chunked) this.#peer.send(Buffer.from('\r\n'));
  }

  answerEnd(ask: Ask): void {
    if (this.#chunked) this.#peer.send(Buffer.from('0\r\n\r\n'));
    this.#answered = true;
    const { mishap } = ask.plan;
    if (mishap === 'excess') this.#exceed(ask);
    if (mishap === 'idle-close') {
      this.#parts.after((ask.id * 7) % IDLE_CLOSE_MS_MAX, () => {
        this.#parts.blameNow();
        if (this.idle) this.#peer.close();
      });
    }
    this.#endIfBoth();
  }

  #exceed(ask: Ask): void {
    const delayMs = EXCESS_DELAYS_MS[ask.id % EXCESS_DELAYS_MS.length] ?? 0;
    this.#parts.blameNow();
    if (delayMs === 0) return this.#peer.send(POISON);
    this.#parts.after(delayMs, () => {
      this.#parts.blameNow();
      if (this.idle) this.#peer.send(POISON);
    });
  }

  reset(): void {
    this.#peer.reset();
  }

  endEarly(): void {
    this.#peer.close();
  }

  stall(stalled: boolean): void {
    if (stalled) this.#peer.pause();
    else this.#peer.resume();
  }
}
