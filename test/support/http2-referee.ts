/**
 * Judges the frames that the other side of an Http2Peer sends: what RFC 9113 forbids a sender is
 * kept as a sentence. Knows the windows that the peer gave, and which streams there are.
 */
import type { DecodedBlock, HpackPeer } from './http2-hpack.ts';
import { ACK, END_HEADERS, END_STREAM, FRAME_TYPES, SETTING } from './http2-wire.ts';

const WINDOW_MAX = 2 ** 31 - 1;
/** Flags that a frame may have (RFC 9113 section 6). */
const FLAGS: Readonly<Record<string, number>> = {
  DATA: 0x9,
  HEADERS: 0x2d,
  SETTINGS: 0x1,
  PUSH_PROMISE: 0xc,
  PING: 0x1,
  CONTINUATION: 0x4,
};
const OF_CONNECTION: ReadonlySet<string> = new Set(['SETTINGS', 'PING', 'GOAWAY']);
/** Octets of a payload that has a fixed length. */
const LENGTHS: Readonly<Record<string, number>> = {
  PRIORITY: 5,
  RST_STREAM: 4,
  PING: 8,
  WINDOW_UPDATE: 4,
};
/** Fields of HTTP/1 connections (RFC 9113 section 8.2.2). */
const OF_HTTP1: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
const NAME = /^:?[!#$%&'*+.^_`|~0-9a-z-]+$/;
// oxlint-disable-next-line no-control-regex -- control octets are what must not be there
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** A frame that came. */
export interface Received {
  /** "UNKNOWN" for what RFC 9113 does not name. */
  readonly type: string;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  /** Of HEADERS, once the block has ended. */
  block?: DecodedBlock;
}

interface Stream {
  /** What the other side may still send. */
  window: number;
  /** What we may still send. */
  sendWindow: number;
  heads: number;
  /** A head that was not interim came. */
  headed: boolean;
  ended: boolean;
  reset: boolean;
  /** We ended or reset it. */
  over: boolean;
}

/** A setting of ours that waits for its acknowledgement. */
interface Announced {
  readonly windowBytes: number | undefined;
  readonly tableBytes: number | undefined;
}

export class Http2Referee {
  readonly violations: string[] = [];
  readonly #role: 'client' | 'server';
  readonly #hpack: HpackPeer;
  readonly #streams = new Map<number, Stream>();
  readonly #announced: Announced[] = [];
  #frames = 0;
  #window = 65_535;
  #sendWindow = 65_535;
  #initialWindow = 65_535;
  #theirInitialWindow = 65_535;
  #frameBytesMax = 16_384;
  #highest = 0;
  #blockStream = 0;
  #goneAway = WINDOW_MAX;

  /** `role` is our own; the other side has the other. */
  constructor(role: 'client' | 'server', hpack: HpackPeer) {
    this.#role = role;
    this.#hpack = hpack;
  }

  /** DATA that we may send on `stream` now; below zero after a change of SETTINGS. */
  creditOf(stream: number): number {
    const { sendWindow = this.#theirInitialWindow } = this.#streams.get(stream) ?? {};
    return Math.min(this.#sendWindow, sendWindow);
  }

  report(violation: string): void {
    this.violations.push(violation);
  }

  // ---- what we send ----

  /** Frames that we send, whole ones; the preface and what is no frame means nothing. */
  sent(bytes: Buffer): void {
    let at = bytes.toString('latin1', 0, 3) === 'PRI' ? 24 : 0;
    while (at + 9 <= bytes.length) {
      const length = bytes.readUIntBE(at, 3);
      const payload = bytes.subarray(at + 9, at + 9 + length);
      if (payload.length < length) return;
      const type = FRAME_TYPES[bytes[at + 3] ?? 0] ?? 'UNKNOWN';
      const stream = bytes.readUInt32BE(at + 5) & WINDOW_MAX;
      this.#sentFrame({ type, flags: bytes[at + 4] ?? 0, stream, payload });
      at += 9 + length;
    }
  }

  #sentFrame({ type, flags, stream, payload }: Received): void {
    if (type === 'SETTINGS' && (flags & ACK) === 0) return this.#announce(payload);
    if (type === 'WINDOW_UPDATE' && payload.length === 4) {
      const increment = payload.readUInt32BE(0) & WINDOW_MAX;
      const given = this.#streams.get(stream);
      if (stream === 0) this.#window += increment;
      else if (given !== undefined) given.window += increment;
    }
    if (type === 'HEADERS') this.#stream(stream);
    if (type === 'DATA') {
      this.#sendWindow -= payload.length;
      const used = this.#streams.get(stream);
      if (used !== undefined) used.sendWindow -= payload.length;
    }
    const known = this.#streams.get(stream);
    if (known === undefined) return;
    if (type === 'RST_STREAM') known.over = true;
    if ((type === 'HEADERS' || type === 'DATA') && (flags & END_STREAM) !== 0) known.over = true;
  }

  #stream(id: number): Stream {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const stream: Stream = {
      window: this.#initialWindow,
      sendWindow: this.#theirInitialWindow,
      heads: 0,
      headed: false,
      ended: false,
      reset: false,
      over: false,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  /** More may be used at once; less holds from the acknowledgement on. */
  #announce(payload: Buffer): void {
    const values = settingsOf(payload);
    const windowBytes = values.get(SETTING.INITIAL_WINDOW_SIZE);
    if (windowBytes !== undefined && windowBytes > this.#initialWindow) this.#rebase(windowBytes);
    const tableBytes = values.get(SETTING.HEADER_TABLE_SIZE);
    this.#frameBytesMax = Math.max(
      this.#frameBytesMax,
      values.get(SETTING.MAX_FRAME_SIZE) ?? this.#frameBytesMax,
    );
    this.#announced.push({ windowBytes, tableBytes });
  }

  #rebase(windowBytes: number): void {
    const change = windowBytes - this.#initialWindow;
    this.#initialWindow = windowBytes;
    for (const stream of this.#streams.values()) stream.window += change;
  }

  // ---- what comes ----

  arrived(frame: Received): void {
    const { type, flags, stream, payload } = frame;
    const fail = (what: string): void => this.report(`${type} on stream ${stream}: ${what}`);
    if (this.#frames++ === 0 && (type !== 'SETTINGS' || flags !== 0)) fail('not SETTINGS first');
    if (payload.length > this.#frameBytesMax) fail(`${payload.length} octets`);
    if ((flags & ~(FLAGS[type] ?? 0)) !== 0) fail(`flags ${flags}`);
    if (stream > WINDOW_MAX) fail('reserved bit');
    if (OF_CONNECTION.has(type) && stream !== 0) fail('not on stream 0');
    if (!OF_CONNECTION.has(type) && type !== 'WINDOW_UPDATE' && stream === 0) fail('on stream 0');
    if (payload.length !== (LENGTHS[type] ?? payload.length)) fail(`${payload.length} octets`);
    if (this.#blockStream !== 0 && (type !== 'CONTINUATION' || stream !== this.#blockStream)) {
      fail(`within the block of ${this.#blockStream}`);
    }
    this.#judge(frame, fail);
  }

  #judge(frame: Received, fail: (what: string) => void): void {
    switch (frame.type) {
      case 'DATA':
        return this.#data(frame, fail);
      case 'HEADERS':
        return this.#headers(frame, fail);
      case 'CONTINUATION':
        if (this.#blockStream === 0) fail('without a block');
        if ((frame.flags & END_HEADERS) !== 0) this.#blockStream = 0;
        return;
      case 'RST_STREAM':
        return this.#reset(frame, fail);
      case 'SETTINGS':
        return this.#settings(frame, fail);
      case 'WINDOW_UPDATE':
        return this.#windowUpdate(frame, fail);
      case 'GOAWAY': {
        const last = frame.payload.readUInt32BE(0);
        if (last > this.#goneAway) fail(`last stream went up to ${last}`);
        this.#goneAway = last;
        return;
      }
      case 'PUSH_PROMISE':
      case 'UNKNOWN':
        return fail('nobody asked for it');
      default:
    }
  }

  #data({ stream, flags, payload }: Received, fail: (what: string) => void): void {
    const known = this.#streams.get(stream);
    if (known === undefined || known.heads === 0) return fail('before its head');
    if (known.ended || known.reset) fail('behind its end');
    this.#window -= payload.length;
    known.window -= payload.length;
    if (payload.length > 0 && this.#window < 0) fail(`connection window ${this.#window}`);
    if (payload.length > 0 && known.window < 0) fail(`stream window ${known.window}`);
    if ((flags & END_STREAM) !== 0) known.ended = true;
  }

  #headers({ stream, flags }: Received, fail: (what: string) => void): void {
    if ((flags & END_HEADERS) === 0) this.#blockStream = stream;
    if (!this.#streams.has(stream)) {
      if (this.#role === 'client') fail('on a stream that nobody opened');
      else if (stream % 2 === 0) fail('even stream of a client');
      else if (stream <= this.#highest) fail(`below ${this.#highest}`);
      this.#highest = Math.max(this.#highest, stream);
    }
    const known = this.#stream(stream);
    if (known.ended || known.reset) fail('behind its end');
    known.heads++;
    if ((flags & END_STREAM) !== 0) known.ended = true;
  }

  #reset({ stream }: Received, fail: (what: string) => void): void {
    // A peer that broke the rules may have used a stream that we do not know of.
    const known = this.#streams.get(stream);
    if (known === undefined) return fail('of an idle stream');
    if (known.reset) fail('twice');
    known.reset = true;
  }

  #settings({ flags, payload }: Received, fail: (what: string) => void): void {
    if ((flags & ACK) !== 0) {
      const announced = this.#announced.shift();
      if (announced === undefined) return fail('acknowledged what was not sent');
      const { windowBytes, tableBytes } = announced;
      if (windowBytes !== undefined) this.#rebase(windowBytes);
      if (tableBytes !== undefined) this.#hpack.allowedTableBytes = tableBytes;
      return;
    }
    const values = settingsOf(payload);
    const push = values.get(SETTING.ENABLE_PUSH);
    if (push !== undefined && push > (this.#role === 'server' ? 1 : 0)) fail(`push ${push}`);
    const window = values.get(SETTING.INITIAL_WINDOW_SIZE) ?? this.#theirInitialWindow;
    if (window > WINDOW_MAX) fail(`window ${window}`);
    for (const stream of this.#streams.values()) {
      stream.sendWindow += window - this.#theirInitialWindow;
    }
    this.#theirInitialWindow = window;
    const size = values.get(SETTING.MAX_FRAME_SIZE) ?? 16_384;
    if (size < 16_384 || size > 2 ** 24 - 1) fail(`frame size ${size}`);
  }

  #windowUpdate({ stream, payload }: Received, fail: (what: string) => void): void {
    const increment = payload.readUInt32BE(0);
    if (increment === 0 || increment > WINDOW_MAX) fail(`increment ${increment}`);
    if (stream === 0) {
      this.#sendWindow += increment;
      if (this.#sendWindow > WINDOW_MAX) fail('connection window overflows');
      return;
    }
    const known = this.#streams.get(stream);
    if (known === undefined) return fail('of an idle stream');
    if (known.reset) fail('behind its reset');
    known.sendWindow += increment;
    if (known.sendWindow > WINDOW_MAX) fail('window overflows');
  }

  /** The block of a HEADERS frame has been decoded. */
  decoded({ stream, flags, block }: Received): void {
    const fields = block?.fields ?? [];
    const fail = (what: string): void => this.report(`head on stream ${stream}: ${what}`);
    let regular = false;
    const pseudo: string[] = [];
    for (const { name, value } of fields) {
      if (!NAME.test(name)) fail(`name ${JSON.stringify(name)}`);
      if (!VALUE.test(value)) fail(`value of ${name}: ${JSON.stringify(value)}`);
      if (OF_HTTP1.has(name)) fail(`${name} is of HTTP/1`);
      if (name === 'te' && value !== 'trailers') fail(`te: ${value}`);
      if (!name.startsWith(':')) regular = true;
      else if (regular) fail(`${name} behind a regular field`);
      else pseudo.push(name);
    }
    const known = this.#stream(stream);
    if (known.headed) {
      if (pseudo.length > 0) fail(`trailers with ${pseudo.join()}`);
      if ((flags & END_STREAM) === 0) fail('trailers do not end the stream');
      return;
    }
    known.headed = !/^1\d\d$/.test(fields[0]?.value ?? '') || fields[0]?.name !== ':status';
    if (!known.headed && (flags & END_STREAM) !== 0) fail('an interim head ends the stream');
    const names = pseudo.toSorted();
    // RFC 9113 section 8.5.
    const connects = fields.some(({ name, value }) => name === ':method' && value === 'CONNECT');
    if (connects && names.join() === ':authority,:method') return;
    // RFC 8441 section 4.
    if (connects && names.join() === ':authority,:method,:path,:protocol,:scheme') return;
    const wanted =
      this.#role === 'client' ? [':status'] : [':authority', ':method', ':path', ':scheme'];
    const optional = names.filter((name) => name !== ':authority').join();
    if (names.join() === wanted.join()) return;
    if (optional !== wanted.filter((name) => name !== ':authority').join()) fail(names.join());
  }
}

/** Settings of a payload, the last value of each. */
export function settingsOf(payload: Buffer): Map<number, number> {
  const values = new Map<number, number>();
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  }
  return values;
}
