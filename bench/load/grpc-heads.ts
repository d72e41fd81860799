/**
 * Heads of gRPC calls as a busy caller sends them: no two are alike. The trace is new with each call,
 * the deadline is what is left of it, the token is of one of many users. A proxy finds little of them
 * in its tables.
 *
 *   :method :scheme :path :authority content-type user-agent te      always the same
 *   authorization                                                    200 bytes, one of USERS
 *   grpc-timeout                                                     unary calls: 5 s less up to 10 ms
 *   traceparent                                                      never twice (W3C Trace Context)
 */
import { Rng } from '../../base/rng.ts';
import {
  HpackEncoder,
  Vocabulary,
  fieldBytesMax,
  freshBytesMax,
  type FieldName,
  type KnownField,
} from './hpack-encoder.ts';
import type { LoadPlan } from './plan.ts';
import type { RequestHeads } from './request-heads.ts';

/** So many that a connection's table rarely has the next one. */
const USERS = 50;
const AUTHORIZATION_BYTES = 200;
const SCHEME = 'Bearer ';
const TOKEN_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const METHOD_POST = 3;
const SCHEME_HTTP = 6;
/** A whole head goes into one frame of the least size that a peer must take. */
const BLOCK_BYTES_MAX = 16_384;
/** Those that the static table has whole, and a size update. */
const FIXED_BYTES = 8;

/** "00-", 32 digits, "-", 16 digits, "-01". */
const TRACE = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`);
const TRACE_ID_AT = 3;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_AT = 36;
const SPAN_ID_DIGITS = 16;
const DIGITS = Buffer.from('0123456789abcdef');
/** Digits of one number drawn. */
const DRAWN_DIGITS = 4;

/** "4999876u": microseconds, at most eight digits (gRPC over HTTP2, Timeout). */
const TIMEOUT_US = 5_000_000;
const TIMEOUT_SPENT_US_MAX = 10_000;
const TIMEOUT_BYTES = 8;

const largest = (fields: readonly KnownField[]): number => Math.max(...fields.map(fieldBytesMax));

/** What the heads of a plan's calls have in common, shared by all connections. */
export class GrpcCalls {
  readonly vocabulary = new Vocabulary();
  readonly rng: Rng;
  /** Of every call, in the order in which they are sent. */
  readonly common: readonly KnownField[];
  /** By shape. */
  readonly paths: readonly KnownField[];
  /** By shape: whether its calls have a deadline. */
  readonly deadlines: readonly boolean[];
  /** By user. */
  readonly tokens: readonly KnownField[];
  readonly timeout: FieldName;
  readonly trace: FieldName;
  /** No block is longer. */
  readonly blockBytesMax: number;

  /** Throws for a head beyond a frame. */
  constructor({ authority, requests, seed }: Pick<LoadPlan, 'authority' | 'requests' | 'seed'>) {
    const words = this.vocabulary;
    this.rng = new Rng(seed);
    this.paths = requests.map(({ path }) => words.field(':path', path));
    this.common = [
      words.field(':authority', authority),
      words.field('content-type', 'application/grpc'),
      words.field('user-agent', 'grpc-bench/1.0 (linux)'),
      words.field('te', 'trailers'),
    ];
    this.tokens = Array.from({ length: USERS }, () => words.field('authorization', this.#token()));
    this.timeout = words.name('grpc-timeout');
    this.trace = words.name('traceparent');
    this.deadlines = requests.map(({ grpc }) => grpc?.messages === 1);
    this.blockBytesMax =
      FIXED_BYTES +
      this.common.reduce((sum, field) => sum + fieldBytesMax(field), 0) +
      largest(this.paths) +
      largest(this.tokens) +
      freshBytesMax(this.timeout, TIMEOUT_BYTES) +
      freshBytesMax(this.trace, TRACE.length);
    if (this.blockBytesMax > BLOCK_BYTES_MAX) {
      throw new Error('the head of a request is longer than a frame');
    }
  }

  #token(): string {
    const drawn = (): string => TOKEN_CHARACTERS.charAt(this.rng.integer(TOKEN_CHARACTERS.length));
    return SCHEME + Array.from({ length: AUTHORIZATION_BYTES - SCHEME.length }, drawn).join('');
  }
}

/** The heads of one connection. */
export class GrpcHeads implements RequestHeads {
  readonly bytesMax: number;
  readonly #calls: GrpcCalls;
  readonly #encoder: HpackEncoder;
  readonly #trace = Buffer.from(TRACE);
  readonly #timeout = Buffer.from('0000000u');

  constructor(calls: GrpcCalls) {
    this.bytesMax = calls.blockBytesMax;
    this.#calls = calls;
    this.#encoder = new HpackEncoder(calls.vocabulary);
  }

  limitTable(bytes: number): void {
    this.#encoder.limitTable(bytes);
  }

  write(shape: number, out: Buffer, start: number): number {
    const { common, deadlines, paths, rng, timeout, tokens, trace } = this.#calls;
    const encoder = this.#encoder;
    const path = paths[shape];
    const token = tokens[rng.integer(tokens.length)];
    if (path === undefined || token === undefined) throw new Error(`no request shape ${shape}`);
    let at = encoder.begin(out, start);
    at = encoder.constant(METHOD_POST, out, at);
    at = encoder.constant(SCHEME_HTTP, out, at);
    at = encoder.known(path, out, at);
    for (let i = 0; i < common.length; i++) {
      const field = common[i];
      if (field !== undefined) at = encoder.known(field, out, at);
    }
    if (deadlines[shape] === true) {
      this.#drawTimeout();
      at = encoder.fresh(timeout, this.#timeout, 0, TIMEOUT_BYTES, out, at);
    }
    at = encoder.known(token, out, at);
    this.#drawDigits(TRACE_ID_AT, TRACE_ID_DIGITS);
    this.#drawDigits(SPAN_ID_AT, SPAN_ID_DIGITS);
    return encoder.fresh(trace, this.#trace, 0, TRACE.length, out, at);
  }

  /** Digits of the trace, without making a string. */
  #drawDigits(at: number, count: number): void {
    for (let i = 0; i < count; i += DRAWN_DIGITS) {
      let drawn = this.#calls.rng.integer(1 << (4 * DRAWN_DIGITS));
      for (let k = 0; k < DRAWN_DIGITS; k++) {
        this.#trace[at + i + k] = DIGITS[drawn & 0xf] ?? 0;
        drawn >>= 4;
      }
    }
  }

  #drawTimeout(): void {
    let left = TIMEOUT_US - 1 - this.#calls.rng.integer(TIMEOUT_SPENT_US_MAX);
    for (let at = TIMEOUT_BYTES - 2; at >= 0; at--) {
      this.#timeout[at] = DIGITS[left % 10] ?? 0;
      left = Math.trunc(left / 10);
    }
  }
}
