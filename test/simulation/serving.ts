/**
 * One request at an application, answered as its plan says.
 *
 *   head ─ body ─> whole ─ thinkMs ─> head, pieces, end          early: does not wait for the body
 *     └─ applicationStallMs: nothing is read                     a mishap: something else comes
 */
import type { Ask } from './ledger.ts';
import { requestBody, responseBody, Violation } from './ledger.ts';
import { isPieceOf, PIECE_BYTES_MAX, pieceOf } from './pattern.ts';

/** How an answer leaves, in either protocol. */
export interface AnswerWriter {
  /** For messages. */
  readonly name: string;
  /** Nothing can be sent any more. */
  readonly gone: boolean;
  answerHead(ask: Ask): void;
  answerData(bytes: Buffer): void;
  answerEnd(ask: Ask): void;
  /** Breaks off. */
  reset(): void;
  /** An orderly end at the wrong time. */
  endEarly(): void;
  /** Reads nothing, or reads again. */
  stall(stalled: boolean): void;
}

/** Lets `happen` after `ms`, when nothing waits for it any more too. */
export type After = (ms: number, happen: () => void) => void;

/** Drives `write` over `bytes` in pieces, `gapMs` apart, then `done`. */
export function inPieces(
  after: After,
  body: {
    readonly id: number;
    readonly bytes: number;
    readonly pieces: number;
    readonly gapMs: number;
  },
  write: (bytes: Buffer) => boolean,
  done: () => void,
): void {
  const pieceBytes = Math.ceil(body.bytes / body.pieces);
  const piece = (from: number): void => {
    const to = Math.min(body.bytes, from + pieceBytes);
    for (let at = from; at < to; at += PIECE_BYTES_MAX) {
      if (!write(pieceOf(body.id, at, Math.min(PIECE_BYTES_MAX, to - at)))) return;
    }
    if (to >= body.bytes) done();
    else if (body.gapMs === 0) piece(to);
    else after(body.gapMs, () => piece(to));
  };
  piece(0);
}

/** Of one request that arrived. */
export class Serving {
  readonly ask: Ask;
  readonly #after: After;
  readonly #writer: AnswerWriter;
  #received = 0;
  #begun = false;
  #lost = false;

  constructor(after: After, ask: Ask, writer: AnswerWriter) {
    this.#after = after;
    this.ask = ask;
    this.#writer = writer;
    ask.arrived(writer.name);
    const { applicationStallMs, early } = ask.plan;
    if (applicationStallMs > 0) {
      writer.stall(true);
      after(applicationStallMs, () => writer.stall(false));
    }
    if (early) this.#answer();
  }

  data(bytes: Buffer): void {
    if (!isPieceOf(requestBody(this.ask.id), this.#received, bytes)) {
      this.ask.wrong(`arrives with wrong bytes behind ${this.#received}`);
    }
    this.#received += bytes.length;
  }

  /** The request is whole, or looks so. */
  end(): void {
    if (this.#received !== this.ask.plan.requestBytes) {
      this.ask.wrong(`arrives with ${this.#received} bytes and looks whole`);
    }
    if (!this.#begun) this.#after(this.ask.plan.thinkMs, () => this.#answer());
  }

  /** The connection or the stream is gone. */
  lost(): void {
    this.#lost = true;
  }

  get #gone(): boolean {
    return this.#lost || this.#writer.gone;
  }

  #answer(): void {
    if (this.#gone || this.#begun) return;
    this.#begun = true;
    const writer = this.#writer;
    const { plan } = this.ask;
    const { mishap } = plan;
    if (mishap === 'silent') return;
    // Half of them before the head.
    const atOnce = this.ask.id % 2 === 0;
    if (mishap === 'reset' && atOnce) return writer.reset();
    if (mishap === 'end' && atOnce) return writer.endEarly();
    writer.answerHead(this.ask);
    const cut = mishap === 'reset' || mishap === 'end';
    const bytes = cut ? Math.floor(plan.responseBytes / 2) : plan.responseBytes;
    const body = {
      id: responseBody(this.ask.id),
      bytes,
      pieces: plan.responsePieces,
      gapMs: plan.responseGapMs,
    };
    const write = (piece: Buffer): boolean => {
      if (this.#gone) return false;
      writer.answerData(piece);
      return true;
    };
    inPieces(this.#after, body, write, () => {
      if (this.#gone) return;
      if (mishap === 'reset') writer.reset();
      else if (mishap === 'end' && bytes < plan.responseBytes) writer.endEarly();
      else writer.answerEnd(this.ask);
    });
  }
}

/** The answer to a request that came before the last one was answered. */
export const tooEarly = (name: string): Violation =>
  new Violation(`${name} gets a request before the last one was over`);
