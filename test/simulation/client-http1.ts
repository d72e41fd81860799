/** A client's connection of HTTP/1.1: one request at a time, kept for the next. */
import { Http1Reader, type ReaderEvents, type TextHead } from './http1-reader.ts';
import { type Ask, requestBody } from './ledger.ts';
import type { Peer, PeerEvents } from './peer.ts';
import { type After, inPieces } from './serving.ts';

/** What its pod gives a connection. */
export interface ClientParts {
  readonly after: After;
  /** The request goes again, on another connection. */
  readonly again: (ask: Ask) => void;
  /** The connection may be used for another request, until it is over. */
  readonly freed: () => void;
  readonly closed: () => void;
}

/** The text of a request's head. */
function headText(ask: Ask, authority: string): string {
  const { method, requestBytes, requestChunked } = ask.plan;
  const lines = [`${method} /ask/${ask.id} HTTP/1.1`, `Host: ${authority}`, `X-Id: ${ask.id}`];
  if (method !== 'GET') {
    lines.push(requestChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${requestBytes}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** One connection. */
export class ClientHttp1 implements PeerEvents, ReaderEvents {
  readonly #parts: ClientParts;
  readonly #peer: Peer;
  readonly #reader = new Http1Reader('response', this);
  #ask: Ask | undefined = undefined;
  #asked = 0;
  #uploaded = true;
  #keepAlive = true;

  constructor(parts: ClientParts, peer: Peer) {
    this.#parts = parts;
    this.#peer = peer;
    peer.events = this;
  }

  get usable(): boolean {
    const { hasEnded, over } = this.#peer;
    return this.#ask === undefined && this.#uploaded && !hasEnded && !over;
  }

  /** In order, when nothing is under way. */
  closeIfIdle(): void {
    if (this.usable) this.#peer.close();
  }

  ask(ask: Ask, authority: string): void {
    const { cancelAfterMs, method, requestBytes, requestChunked, requestGapMs, requestPieces } =
      ask.plan;
    this.#ask = ask;
    this.#asked++;
    this.#uploaded = false;
    ask.sentOn(this.#peer.link);
    this.#peer.send(Buffer.from(headText(ask, authority), 'latin1'));
    if (cancelAfterMs !== undefined) this.#parts.after(cancelAfterMs, () => this.#cancel(ask));
    const body = {
      id: requestBody(ask.id),
      bytes: requestBytes,
      pieces: requestPieces,
      gapMs: requestGapMs,
    };
    const chunked = requestChunked && method !== 'GET';
    inPieces(
      this.#parts.after,
      body,
      (piece) => this.#write(piece, chunked),
      () => this.#uploadedAll(ask, chunked),
    );
  }

  #write(piece: Buffer, chunked: boolean): boolean {
    if (this.#peer.over) return false;
    if (piece.length === 0) return true;
    if (chunked) this.#peer.send(Buffer.from(`${piece.length.toString(16)}\r\n`));
    this.#peer.send(piece);
    if (chunked) this.#peer.send(Buffer.from('\r\n'));
    return true;
  }

  #uploadedAll(ask: Ask, chunked: boolean): void {
    if (chunked) this.#peer.send(Buffer.from('0\r\n\r\n'));
    this.#uploaded = true;
    if (ask.plan.halfCloses) this.#peer.end();
    if (this.#ask === undefined) this.#freed();
  }

  #cancel(ask: Ask): void {
    if (this.#ask !== ask) return;
    ask.cancel();
    this.#ask = undefined;
    if (ask.id % 2 === 0) this.#peer.reset();
    else this.#peer.close();
  }

  #freed(): void {
    if (!this.#keepAlive || this.#peer.hasEnded) return this.#peer.close();
    if (this.usable) this.#parts.freed();
  }

  // ---- the link ----

  received(bytes: Buffer): void {
    // What comes behind a cancel is nobody's.
    if (this.#ask !== undefined || !this.#peer.over) this.#reader.read(bytes);
  }

  ended(): void {
    if (!this.#reader.ended() || this.#ask !== undefined) this.#lost();
    this.#peer.close();
  }

  closed(): void {
    this.#lost();
    this.#parts.closed();
  }

  #lost(): void {
    const ask = this.#ask;
    this.#ask = undefined;
    if (ask === undefined || !ask.open) return;
    // The connection idled too long, and was closed while the request was on its way.
    const untouched = this.#reader.between && this.#asked > 1 && this.#peer.hasEnded;
    if (untouched && ask.arrivals === 0 && !ask.renewed) {
      ask.renewed = true;
      this.#parts.again(ask);
    } else ask.cut();
  }

  // ---- the answer ----

  head({ startLine, fields }: TextHead): void {
    const ask = this.#ask;
    // The next request would wait behind what is left of this one, for as long as nobody reads that.
    const behind = ask?.plan.early === true && ask.plan.applicationStallMs > 0;
    this.#keepAlive = fields.get('connection') !== 'close' && !behind;
    if (ask === undefined) return;
    ask.head(Number(startLine.slice(9, 12)), fields);
    const { clientStallMs } = ask.plan;
    if (clientStallMs === 0) return;
    this.#peer.pause();
    this.#parts.after(clientStallMs, () => this.#peer.resume());
  }

  data(bytes: Buffer): void {
    this.#ask?.data(bytes);
  }

  end(): void {
    const ask = this.#ask;
    this.#ask = undefined;
    ask?.end();
    // The whole answer may have been read at once, before the client stalled.
    this.#peer.resume();
    if (this.#uploaded || !this.#keepAlive) this.#freed();
  }
}
