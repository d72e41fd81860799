/**
 * The head of a message: its start line and field lines as offsets into bytes, no string for what
 * nobody reads.
 *
 *   bytes: |…|GET /a HTTP/1.1␍␊Host: web␍␊Accept: x␍␊␍␊|…|
 *            ^start                ^line[0]   ^line[1]   ^linesEnd (relative to start)
 *
 * Field i occupies line [lineStart(i), lineStart(i + 1)) with its CRLF: untouched neighbours are
 * copied as one run. All offsets are relative to `start`, so the bytes may move. `bytes` is lent
 * for the call that passes the head, unless `own` copied it.
 *
 * A head that came as HTTP/2 is laid out as HTTP/1.1 too, names in lower case: a request with
 * `Host` for its :authority and `Upgrade` for its :protocol, a response with an empty reason,
 * trailers as lines only. So nobody but its writer asks what a head came as.
 */
import assert from 'node:assert/strict';
import { FIELD_OTHER } from './field.ts';

const FIELD_INTS = 4;

/**
 * Stands for the content of a head that recurs: heads with the same origin are equal. Whoever
 * changes a head takes its origin away.
 */
export interface HeadOrigin {
  /** Counts up, so that a memo may use its low bits as a slot. */
  readonly serial: number;
}

/** It is what it came as. */
export const ORIG_PROTO_NONE = 0;
/** It is a head of HTTP/1 that came as HTTP/2, or goes out as such. */
export const ORIG_PROTO_HTTP1 = 1;
/** It says something like that and is not understood. */
export const ORIG_PROTO_MALFORMED = 2;
/** What culvert-orig-proto says of a head. */
export type OrigProto =
  | typeof ORIG_PROTO_NONE
  | typeof ORIG_PROTO_HTTP1
  | typeof ORIG_PROTO_MALFORMED;

/** Nothing but an exchange. */
export const TUNNEL_NONE = 0;
/** Upgrade, or extended CONNECT: a request for one, or the answer that grants it, whose status is 101. */
export const TUNNEL_UPGRADE = 1;
/** CONNECT: the request, or the answer that grants it. */
export const TUNNEL_CONNECT = 2;
/** What a head begins (docs/upgrades.md). */
export type TunnelKind = typeof TUNNEL_NONE | typeof TUNNEL_UPGRADE | typeof TUNNEL_CONNECT;

/** One head, used again and again. */
export class Head {
  bytes: Buffer = EMPTY;
  start = 0;
  /** Request: method and target. */
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Response: status code. */
  status = 0;
  /** Minor version of HTTP/1; higher ones than 1 are served as 1. */
  minor = 1;
  /** Request: the authority asked for, from the target or Host; empty when there is none. */
  authorityStart = 0;
  authorityEnd = 0;
  /**
   * Request: path and query as they go upstream; empty in an absolute-form without a path. Of CONNECT
   * it is the authority, in authority-form.
   */
  pathStart = 0;
  pathEnd = 0;
  /** Request: the target names an authority, which replaces Host (RFC 9112 3.2.2 and 3.2.3). */
  absolute = false;
  /** Request: "http" unless :scheme said otherwise. */
  scheme: string = 'http';
  /** The block this head was decoded from has recurred; undefined for most heads. */
  origin: HeadOrigin | undefined = undefined;
  /** Whether HTTP/2 carries it for HTTP/1 (docs/decisions/011-http1-on-http2-between-sidecars.md). */
  origProto: OrigProto = ORIG_PROTO_NONE;
  /** What is asked for, or granted. */
  tunnel: TunnelKind = TUNNEL_NONE;
  fieldCount = 0;
  /** End of the last field line. */
  linesEnd = 0;
  /** End of the head with its empty line. */
  length = 0;
  ids: Uint8Array = new Uint8Array(32);
  /** nameStart (= line start), nameEnd, valueStart, valueEnd of each field. */
  #offsets: Int32Array = new Int32Array(32 * FIELD_INTS);
  /** By field: 1 where it came as never indexed; made for the first such field. */
  #neverIndexed: Uint8Array = NONE;
  #neverIndexedCount = 0;
  /** Bit by id of the fields that were added: most questions are about fields that are not there. */
  #present = 0;

  clear(): void {
    if (this.#neverIndexedCount > 0) this.#forgetNeverIndexed();
    this.scheme = 'http';
    this.origin = undefined;
    this.origProto = ORIG_PROTO_NONE;
    this.tunnel = TUNNEL_NONE;
    this.fieldCount = 0;
    this.#present = 0;
    this.status = 0;
    this.linesEnd = 0;
    this.length = 0;
    this.methodEnd = 0;
    this.targetStart = 0;
    this.targetEnd = 0;
    this.authorityStart = 0;
    this.authorityEnd = 0;
    this.absolute = false;
  }

  // HOT: per frame.
  addField(
    id: number,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    const i = this.fieldCount++;
    if (i === this.ids.length) this.#grow();
    this.ids[i] = id;
    this.#present |= 1 << id;
    const at = i * FIELD_INTS;
    this.#offsets[at] = nameStart;
    this.#offsets[at + 1] = nameEnd;
    this.#offsets[at + 2] = valueStart;
    this.#offsets[at + 3] = valueEnd;
  }

  lineStart(i: number): number {
    return i < this.fieldCount ? (this.#offsets[i * FIELD_INTS] ?? 0) : this.linesEnd;
  }

  nameEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 1] ?? 0;
  }

  valueStart(i: number): number {
    return this.#offsets[i * FIELD_INTS + 2] ?? 0;
  }

  valueEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 3] ?? 0;
  }

  id(i: number): number {
    return this.ids[i] ?? FIELD_OTHER;
  }

  /** Bytes [from, to) of the head as text, one character a byte. */
  text(from: number, to: number): string {
    return this.bytes.toString('latin1', this.start + from, this.start + to);
  }

  /** Whether field `i` must stay a never-indexed literal on every hop (RFC 7541 section 6.2.3). */
  neverIndexed(i: number): boolean {
    return this.#neverIndexedCount > 0 && this.#neverIndexed[i] === 1;
  }

  /** Marks field `i`, which has been added. */
  markNeverIndexed(i: number): void {
    if (this.#neverIndexed.length < this.ids.length) {
      const marks = new Uint8Array(this.ids.length);
      marks.set(this.#neverIndexed);
      this.#neverIndexed = marks;
    }
    this.#neverIndexed[i] = 1;
    this.#neverIndexedCount++;
  }

  name(i: number): string {
    return this.text(this.lineStart(i), this.nameEnd(i));
  }

  value(i: number): string {
    return this.text(this.valueStart(i), this.valueEnd(i));
  }

  method(): string {
    return this.text(0, this.methodEnd);
  }

  target(): string {
    return this.text(this.targetStart, this.targetEnd);
  }

  authority(): string {
    return this.text(this.authorityStart, this.authorityEnd);
  }

  path(): string {
    return this.text(this.pathStart, this.pathEnd);
  }

  /** HOT: per exchange. First field with `id` at or after `from`, or -1. */
  find(id: number, from = 0): number {
    if ((this.#present & (1 << id)) === 0) return -1;
    const ids = this.ids;
    for (let i = from; i < this.fieldCount; i++) if (ids[i] === id) return i;
    return -1;
  }

  /**
   * HOT: per exchange. Makes this head a copy of `other` with bytes of its own, reusing what it has:
   * bytes and fields too, where it is a copy of a head of the same origin already.
   */
  own(other: Head): void {
    const known = other.origin !== undefined && other.origin === this.origin;
    if (!known || this.bytes.length < other.length) this.#ownFields(other);
    this.start = 0;
    this.methodEnd = other.methodEnd;
    this.targetStart = other.targetStart;
    this.targetEnd = other.targetEnd;
    this.status = other.status;
    this.minor = other.minor;
    this.authorityStart = other.authorityStart;
    this.authorityEnd = other.authorityEnd;
    this.pathStart = other.pathStart;
    this.pathEnd = other.pathEnd;
    this.absolute = other.absolute;
    this.scheme = other.scheme;
    this.origin = other.origin;
    this.origProto = other.origProto;
    this.tunnel = other.tunnel;
    this.linesEnd = other.linesEnd;
    this.length = other.length;
  }

  #ownFields(other: Head): void {
    if (this.bytes.length < other.length)
      this.bytes = Buffer.allocUnsafeSlow(roomFor(other.length));
    other.bytes.copy(this.bytes, 0, other.start, other.start + other.length);
    this.fieldCount = other.fieldCount;
    this.#present = other.#present;
    while (this.ids.length < other.fieldCount) this.#grow();
    for (let i = 0; i < other.fieldCount; i++) this.ids[i] = other.ids[i] ?? FIELD_OTHER;
    const ints = other.fieldCount * FIELD_INTS;
    for (let i = 0; i < ints; i++) this.#offsets[i] = other.#offsets[i] ?? 0;
    if (this.#neverIndexedCount > 0) this.#forgetNeverIndexed();
    if (other.#neverIndexedCount > 0) {
      for (let i = 0; i < other.fieldCount; i++)
        if (other.neverIndexed(i)) this.markNeverIndexed(i);
    }
  }

  /**
   * Gives field `i` of a head that owns its bytes the latin1 text `value`, and takes the head's
   * origin away: what it stood for is no more.
   */
  setValue(i: number, value: string): void {
    assert(this.start === 0, 'a head that owns its bytes');
    const from = this.valueStart(i);
    const to = this.valueEnd(i);
    const longer = value.length - (to - from);
    const old = this.bytes;
    if (old.length < this.length + longer) {
      this.bytes = Buffer.allocUnsafeSlow(roomFor(this.length + longer));
      old.copy(this.bytes, 0, 0, from);
    }
    old.copy(this.bytes, to + longer, to, this.length);
    this.bytes.write(value, from, 'latin1');
    this.origin = undefined;
    this.length += longer;
    this.linesEnd += longer;
    this.#offsets[i * FIELD_INTS + 3] = to + longer;
    const end = this.fieldCount * FIELD_INTS;
    for (let at = (i + 1) * FIELD_INTS; at < end; at++) {
      this.#offsets[at] = (this.#offsets[at] ?? 0) + longer;
    }
    // The authority may be in Host, behind the field.
    if (this.authorityStart < to) return;
    this.authorityStart += longer;
    this.authorityEnd += longer;
  }

  /** Lets go of a buffer that one unusually large head has made. */
  trim(): void {
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = EMPTY;
  }

  #forgetNeverIndexed(): void {
    this.#neverIndexed.fill(0);
    this.#neverIndexedCount = 0;
  }

  #grow(): void {
    const ids = new Uint8Array(this.ids.length * 2);
    ids.set(this.ids);
    this.ids = ids;
    const offsets = new Int32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }
}

const EMPTY = Buffer.alloc(0);
const NONE = new Uint8Array(0);
const ROOM_MIN = 512;
const KEPT_BYTES_MAX = 4096;

function roomFor(length: number): number {
  let room = ROOM_MIN;
  while (room < length) room *= 2;
  return room;
}
