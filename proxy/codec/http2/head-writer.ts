/**
 * Heads become blocks (RFC 9113 section 8.3, RFC 8441, RFC 7541), whatever protocol they came in: names in
 * lower case, pseudo-fields for the start line and Host, and without what ends at this hop
 * (RFC 9110 section 7.6). What needs protection stays out of every table (RFC 7541 section 7.1).
 *
 * A block is at most limits.headGrowthBytesMax longer than its head. A field line has three bytes
 * or more beside name and value; a literal has one, and one for each length, or two from 127 bytes
 * on, or three from 255. So no line grows by more than its 128th part, and a head of 64 KiB by
 * 512 bytes. Start line and Host have more bytes of their own than their pseudo-fields, but for a
 * scheme of up to 64 bytes; two size updates take six.
 */
import {
  FIELD_AUTHORIZATION,
  FIELD_CONTENT_LENGTH,
  FIELD_COOKIE,
  FIELD_HOST,
  FIELD_SET_COOKIE,
  FIELD_TE,
} from '../../model/field.ts';
import {
  type Head,
  type HeadOrigin,
  TUNNEL_CONNECT,
  TUNNEL_NONE,
  TUNNEL_UPGRADE,
} from '../../model/head.ts';
import { ZERO, putBytes } from '../http1/bytes.ts';
import { connectionNames, hasToken, isNamed } from '../http1/framing.ts';
import { HOP_BY_HOP, HOP_BY_HOP_OR_LENGTH, NOT_IN_TRAILERS } from '../http1/hop-by-hop.ts';
import { missingPath } from '../http1/request-target.ts';
import { offeredProtocols } from '../http1/upgrade.ts';
import {
  HpackEncoder,
  INDEX_RECURRING,
  type Indexing,
  LITERAL,
  NEVER_INDEXED,
} from './hpack/encoder.ts';
import {
  STATIC_AUTHORITY,
  STATIC_METHOD,
  STATIC_PATH,
  STATIC_SCHEME,
  STATIC_STATUS,
} from './hpack/static-table.ts';
import { ORIG_PROTO_FIELD, ORIG_PROTO_VALUE_START, writeOrigProto } from './orig-proto-writer.ts';

/** Shorter ones could be guessed from the sizes of compressed blocks. */
const GUESSABLE_COOKIE_BYTES = 20;
const INDEXED_HTTP = 0x86;
const INDEXED_HTTPS = 0x87;
const INDEXED_200 = 0x88;
const TE_TRAILERS: Buffer = Buffer.from('tetrailers', 'latin1');
const TE_BYTES = 2;
const STATUS = Buffer.alloc(3);
const CONNECT: Buffer = Buffer.from('CONNECT', 'latin1');
const PROTOCOL = ':protocol';

const OK = 200;

const MEMO_SLOTS = 32;
const MEMO_BYTES_MAX = 512;

/** What a head with an origin was written as. */
interface Written {
  origin: HeadOrigin;
  /** Of the table. */
  generation: number;
  bytes: Buffer;
  length: number;
}

/** The sending direction of a connection: heads in, blocks out. */
export class HeadEncoder {
  /** The authority of requests of HTTP/1.0, which may name none; empty where there is none either. */
  host = '';
  readonly #hpack = new HpackEncoder();
  #memo: (Written | undefined)[] | undefined = undefined;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, bytes. */
  setPeerTableBytesMax(bytes: number): void {
    this.#hpack.setPeerTableBytesMax(bytes);
  }

  /** No head may come for long: nothing is kept but the table. */
  unused(): void {
    this.#memo = undefined;
  }

  /**
   * Each writer puts a block into `out` at `from` and returns where it stopped, at most
   * head.length + limits.headGrowthBytesMax bytes later.
   */
  // HOT: per exchange.
  request(out: Buffer, from: number, head: Head, carried = false): number {
    const hpack = this.#hpack;
    let at = hpack.begin(out, from);
    const known = carried ? undefined : this.#known(head);
    if (known !== undefined) return putBytes(out, at, known.bytes, 0, known.length);
    const begun = at;
    const { generation } = hpack;
    at = this.#method(out, at, head);
    if (head.tunnel !== TUNNEL_CONNECT) {
      if (head.scheme === 'http') out[at++] = INDEXED_HTTP;
      else at = this.#scheme(out, at, head.scheme);
    }
    at = this.#authority(out, at, head);
    if (head.tunnel !== TUNNEL_CONNECT) at = this.#path(out, at, head);
    // Behind the head of a tunnel there is no body: "0" is no more true of it than another length.
    const dropped = head.tunnel === TUNNEL_NONE ? HOP_BY_HOP : HOP_BY_HOP_OR_LENGTH;
    at = this.#fields(out, at, head, dropped);
    if (head.find(FIELD_TE) !== -1 && hasToken(head, FIELD_TE, 'trailers')) {
      const end = TE_TRAILERS.length;
      at = hpack.field(out, at, TE_TRAILERS, 0, TE_BYTES, TE_BYTES, end, INDEX_RECURRING);
    }
    if (carried) return this.#origProto(out, at, head);
    this.#remember(head, generation, out, begun, at);
    return at;
  }

  /** An upgrade is an extended CONNECT for the protocol that it wants most. */
  #method(out: Buffer, from: number, head: Head): number {
    const hpack = this.#hpack;
    const { bytes, start } = head;
    if (head.tunnel !== TUNNEL_UPGRADE) {
      return hpack.pseudo(out, from, STATIC_METHOD, bytes, start, start + head.methodEnd);
    }
    const at = hpack.pseudo(out, from, STATIC_METHOD, CONNECT, 0, CONNECT.length);
    const line = Buffer.from(PROTOCOL + (offeredProtocols(head)[0] ?? ''), 'latin1');
    const name = PROTOCOL.length;
    return hpack.field(out, at, line, 0, name, name, line.length, INDEX_RECURRING);
  }

  /** An empty Host stands for none, and so does its absence here (RFC 9113 8.3.1). */
  #authority(out: Buffer, at: number, head: Head): number {
    const { authorityEnd, authorityStart, bytes, start } = head;
    if (authorityEnd > authorityStart) {
      const end = start + authorityEnd;
      return this.#hpack.pseudo(out, at, STATIC_AUTHORITY, bytes, start + authorityStart, end);
    }
    if (authorityEnd > 0 || this.host === '') return at;
    const host = Buffer.from(this.host, 'latin1');
    return this.#hpack.pseudo(out, at, STATIC_AUTHORITY, host, 0, host.length);
  }

  #path(out: Buffer, at: number, head: Head): number {
    const prefix = head.absolute ? missingPath(head) : '';
    if (prefix === '') {
      const { bytes, pathEnd, pathStart, start } = head;
      return this.#hpack.pseudo(out, at, STATIC_PATH, bytes, start + pathStart, start + pathEnd);
    }
    const path = Buffer.from(prefix + head.path(), 'latin1');
    return this.#hpack.pseudo(out, at, STATIC_PATH, path, 0, path.length);
  }

  // HOT: per exchange.
  response(out: Buffer, from: number, head: Head, carried = false): number {
    const hpack = this.#hpack;
    let at = hpack.begin(out, from);
    const known = carried ? undefined : this.#known(head);
    if (known !== undefined) return putBytes(out, at, known.bytes, 0, known.length);
    const begun = at;
    const { generation } = hpack;
    // What HTTP/1.1 grants with 101 is granted with success here (RFC 8441 section 5).
    const status = head.tunnel === TUNNEL_UPGRADE ? OK : head.status;
    if (status === OK) out[at++] = INDEXED_200;
    else {
      STATUS[0] = ZERO + Math.floor(status / 100);
      STATUS[1] = ZERO + (Math.floor(status / 10) % 10);
      STATUS[2] = ZERO + (status % 10);
      at = hpack.pseudo(out, at, STATIC_STATUS, STATUS, 0, STATUS.length);
    }
    const lengthless = status === 204 || status < OK || head.tunnel !== TUNNEL_NONE;
    at = this.#fields(out, at, head, lengthless ? HOP_BY_HOP_OR_LENGTH : HOP_BY_HOP);
    if (carried) return this.#origProto(out, at, head);
    this.#remember(head, generation, out, begun, at);
    return at;
  }

  // HOT: per exchange.
  trailers(out: Buffer, from: number, head: Head, carried = false): number {
    const hpack = this.#hpack;
    const begun = hpack.begin(out, from);
    const known = carried ? undefined : this.#known(head);
    if (known !== undefined) return putBytes(out, begun, known.bytes, 0, known.length);
    const { generation } = hpack;
    const at = this.#fields(out, begun, head, NOT_IN_TRAILERS);
    if (carried) return this.#origProto(out, at, head);
    this.#remember(head, generation, out, begun, at);
    return at;
  }

  /** The far end gives the head back what HTTP/2 takes. */
  #origProto(out: Buffer, at: number, head: Head): number {
    const end = writeOrigProto(head);
    const name = ORIG_PROTO_VALUE_START;
    return this.#hpack.field(out, at, ORIG_PROTO_FIELD, 0, name, name, end, INDEX_RECURRING);
  }

  #scheme(out: Buffer, at: number, scheme: string): number {
    if (scheme === 'https') {
      out[at] = INDEXED_HTTPS;
      return at + 1;
    }
    const bytes = Buffer.from(scheme, 'latin1');
    return this.#hpack.pseudo(out, at, STATIC_SCHEME, bytes, 0, bytes.length);
  }

  #fields(out: Buffer, from: number, head: Head, dropped: Uint8Array): number {
    const hpack = this.#hpack;
    const { bytes, start, ids } = head;
    const names = connectionNames(head);
    let lengths = 0;
    let at = from;
    for (let i = 0; i < head.fieldCount; i++) {
      const id = ids[i] ?? 0;
      if (dropped[id] === 1 || id === FIELD_HOST) continue;
      // An equal repeat of Content-Length goes on once (RFC 9110 8.6).
      if (id === FIELD_CONTENT_LENGTH) {
        if (++lengths > 1) continue;
      } else if (names.size > 0 && isNamed(head, i, names)) continue;
      at = hpack.field(
        out,
        at,
        bytes,
        start + head.lineStart(i),
        start + head.nameEnd(i),
        start + head.valueStart(i),
        start + head.valueEnd(i),
        indexingOf(head, i, id),
      );
    }
    return at;
  }

  #known(head: Head): Written | undefined {
    const { origin } = head;
    if (origin === undefined) return undefined;
    const known = this.#memo?.[origin.serial & (MEMO_SLOTS - 1)];
    if (known === undefined || known.origin !== origin) return undefined;
    return known.generation === this.#hpack.generation ? known : undefined;
  }

  /** Keeps what was written when it would be written so again. */
  #remember(head: Head, generation: number, out: Buffer, start: number, end: number): void {
    const { origin } = head;
    if (origin === undefined || !this.#hpack.settled) return;
    if (generation !== this.#hpack.generation || end - start > MEMO_BYTES_MAX) return;
    const memo = (this.#memo ??= Array.from({ length: MEMO_SLOTS }, () => undefined));
    const slot = origin.serial & (MEMO_SLOTS - 1);
    const old = memo[slot];
    if (old !== undefined && old.bytes.length >= end - start) {
      old.origin = origin;
      old.generation = generation;
      old.length = end - start;
      out.copy(old.bytes, 0, start, end);
      return;
    }
    const bytes = Buffer.from(out.subarray(start, end));
    memo[slot] = { origin, generation, bytes, length: bytes.length };
  }
}

function indexingOf(head: Head, i: number, id: number): Indexing {
  if (head.neverIndexed(i) || id === FIELD_AUTHORIZATION) return NEVER_INDEXED;
  if (id === FIELD_COOKIE) {
    const short = head.valueEnd(i) - head.valueStart(i) < GUESSABLE_COOKIE_BYTES;
    return short ? NEVER_INDEXED : INDEX_RECURRING;
  }
  return id === FIELD_SET_COOKIE ? LITERAL : INDEX_RECURRING;
}
