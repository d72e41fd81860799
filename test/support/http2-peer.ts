/**
 * One end of an HTTP/2 connection on a raw socket, for tests, in either role. It sends what the
 * script gives it, right or wrong, and keeps every frame that comes; a referee judges those.
 *
 *   script ─ send(bytes) ─> socket          socket ─> received[] ─ until(check) ─> script
 *                                                 └─> acknowledgements of SETTINGS and PING
 */
import { DeadlineError, withDeadline } from './deadline.ts';
import { HpackPeer, type DecodedField } from './http2-hpack.ts';
import { Http2Referee, type Received } from './http2-referee.ts';
import {
  ACK,
  data,
  END_HEADERS,
  END_STREAM,
  ERROR_CODES,
  FRAME_TYPES,
  ping,
  PREFACE,
  settings,
  settingsAck,
  windowUpdate,
} from './http2-wire.ts';
import { dial, EndOfBytesError, type PeerLink } from './scripted-peer.ts';

export interface Http2Message {
  readonly stream: number;
  /** Heads of 1xx responses. */
  readonly interim: readonly (readonly DecodedField[])[];
  readonly fields: readonly DecodedField[];
  readonly body: Buffer;
  readonly trailers: readonly DecodedField[];
}

export interface Http2PeerOptions {
  /** What is announced first. */
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Acknowledge SETTINGS and PING; default true. */
  readonly acknowledges?: boolean;
  /** Give back both windows for DATA as it comes; default false. */
  readonly givesCredit?: boolean;
}

const DEADLINE_MS = 10_000;
const BODY_FRAME_BYTES = 16_384;
/** As long as a connection may be idle. */
const IDLE_MS = 600_000;
/** Frames of a story. */
const STORY_FRAMES = 20;

/** The stream was reset before what the script waited for. */
export class StreamResetError extends Error {
  override readonly name = 'StreamResetError';
}

/** Value of the first field called `name`. */
export const valueOf = (fields: readonly DecodedField[], name: string): string | undefined =>
  fields.find((field) => field.name === name)?.value;

/** Name of an error code. */
export const codeName = (code: number): string => ERROR_CODES[code] ?? `code ${code}`;

export const endsStream = (frame: Received): boolean =>
  (frame.type === 'DATA' || frame.type === 'HEADERS') && (frame.flags & END_STREAM) !== 0;

/** Data of a DATA frame without its padding. */
export function dataOf({ flags, payload }: Received): Buffer {
  if ((flags & 0x8) === 0) return payload;
  return payload.subarray(1, payload.length - (payload[0] ?? 0));
}

const textOf = ({ type, flags, stream, payload, block }: Received): string => {
  const what =
    block === undefined
      ? JSON.stringify(payload.toString('latin1').slice(0, 60))
      : block.fields.map(({ name, value }) => `${name}: ${value}`).join(', ');
  return `${type} ${stream} flags ${flags} ${what}`;
};

/** One connection as a script sees it. */
export class Http2Peer {
  readonly link: PeerLink;
  readonly role: 'client' | 'server';
  readonly received: Received[] = [];
  /** The other side ended the connection, or it was reset. */
  ended = false;
  /** The next stream that `open` uses. */
  nextStream: number;
  readonly referee: Http2Referee;
  readonly #options: Http2PeerOptions;
  readonly #hpack = new HpackPeer();
  #open: { head: Received; parts: Buffer[] } | undefined;
  #changed = Promise.withResolvers<void>();
  #pings = 0;
  readonly #byStream = new Map<number, Received[]>();
  /** First heads of streams that `nextHead` has not given. */
  readonly #heads: Received[] = [];

  private constructor(link: PeerLink, role: 'client' | 'server', options: Http2PeerOptions) {
    this.link = link;
    this.role = role;
    this.nextStream = role === 'client' ? 1 : 2;
    this.#options = options;
    this.referee = new Http2Referee(role, this.#hpack);
  }

  /** Dials as a client: preface and SETTINGS. */
  static async dial(address: number | string, options: Http2PeerOptions = {}): Promise<Http2Peer> {
    return Http2Peer.greet(await dial(address), options);
  }

  /** A client on a link that has sent nothing. */
  static greet(link: PeerLink, options: Http2PeerOptions = {}): Http2Peer {
    const peer = Http2Peer.bare(link, 'client', options);
    void peer.send(PREFACE, settings(...(options.settings ?? [])));
    return peer;
  }

  /** A client or server that has said nothing yet: the script says all. */
  static bare(
    link: PeerLink,
    role: 'client' | 'server',
    options: Http2PeerOptions = {},
  ): Http2Peer {
    const peer = new Http2Peer(link, role, options);
    void peer.#pump();
    return peer;
  }

  /** A server on an accepted link: waits for the preface, sends SETTINGS. */
  static async accept(link: PeerLink, options: Http2PeerOptions = {}): Promise<Http2Peer> {
    const preface = await link.take(PREFACE.length);
    if (!preface.equals(PREFACE)) throw new Error(`not the preface: ${preface.toString('latin1')}`);
    const peer = Http2Peer.bare(link, 'server', options);
    void peer.send(settings(...(options.settings ?? [])));
    return peer;
  }

  /** What the other side may not do and did; with the frames that show it. */
  get violations(): readonly string[] {
    return this.referee.violations;
  }

  /** Sends frames, or parts of them. True once the kernel took them, false when it cannot. */
  send(...frames: readonly Buffer[]): Promise<boolean> {
    const bytes = Buffer.concat(frames);
    this.referee.sent(bytes);
    return this.link.send(bytes);
  }

  /** Sends `body` as DATA, as the windows of the other side allow; the last of it ends the stream. */
  async sendBody(stream: number, body: Buffer): Promise<void> {
    for (let at = 0; at < body.length;) {
      const most = await this.until(`credit for stream ${stream}`, () => {
        const credit = this.referee.creditOf(stream);
        return credit > 0 ? Math.min(credit, BODY_FRAME_BYTES) : undefined;
      });
      const end = Math.min(body.length, at + most);
      void this.send(data(stream, body.subarray(at, end), end === body.length ? END_STREAM : 0));
      at = end;
    }
  }

  /** The next stream of this side. */
  open(): number {
    const stream = this.nextStream;
    this.nextStream += 2;
    return stream;
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const head = await this.#take(9);
        const payload = await this.#take(head.readUIntBE(0, 3));
        this.#arrive({
          type: FRAME_TYPES[head[3] ?? 0] ?? 'UNKNOWN',
          flags: head[4] ?? 0,
          stream: head.readUInt32BE(5),
          payload: Buffer.from(payload),
        });
      }
    } catch (error) {
      if (!(error instanceof EndOfBytesError)) this.referee.report(String(error));
    }
    this.ended = true;
    this.#change();
  }

  /** A connection may be silent for as long as its script waits. */
  async #take(size: number): Promise<Buffer> {
    for (;;) {
      try {
        return await this.link.take(size);
      } catch (error) {
        if (!(error instanceof DeadlineError)) throw error;
      }
    }
  }

  #arrive(frame: Received): void {
    this.received.push(frame);
    const ofStream = this.#byStream.get(frame.stream);
    if (ofStream === undefined) this.#byStream.set(frame.stream, [frame]);
    else ofStream.push(frame);
    this.referee.arrived(frame);
    this.#decode(frame);
    const { acknowledges = true, givesCredit = false } = this.#options;
    const acknowledged = (frame.flags & ACK) !== 0;
    if (acknowledges && !acknowledged && frame.type === 'SETTINGS') void this.send(settingsAck());
    if (acknowledges && !acknowledged && frame.type === 'PING') {
      void this.send(ping(frame.payload.toString('latin1'), ACK));
    }
    const { length } = frame.payload;
    if (givesCredit && frame.type === 'DATA' && length > 0) {
      void this.send(windowUpdate(0, length));
      if (!endsStream(frame)) void this.send(windowUpdate(frame.stream, length));
    }
    this.#change();
  }

  #decode(frame: Received): void {
    if (frame.type === 'HEADERS') {
      const { flags, payload } = frame;
      const padding = (flags & 0x8) === 0 ? 0 : (payload[0] ?? 0);
      const from = ((flags & 0x8) === 0 ? 0 : 1) + ((flags & 0x20) === 0 ? 0 : 5);
      this.#open = { head: frame, parts: [payload.subarray(from, payload.length - padding)] };
    } else if (frame.type === 'CONTINUATION') this.#open?.parts.push(frame.payload);
    else return;
    if ((frame.flags & END_HEADERS) === 0 || this.#open === undefined) return;
    const { head, parts } = this.#open;
    this.#open = undefined;
    try {
      head.block = this.#hpack.decode(Buffer.concat(parts));
      this.referee.decoded(head);
      if (this.#byStream.get(head.stream)?.find(({ block }) => block !== undefined) === head) {
        this.#heads.push(head);
      }
    } catch (error) {
      this.referee.report(`a field block cannot be decoded: ${String(error)}`);
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** The last frames that came, for messages. */
  story(): string {
    const end = this.ended ? [this.link.wasReset ? 'reset' : 'end'] : [];
    const last = this.received.slice(-STORY_FRAMES);
    const before = this.received.length - last.length;
    const lines = before > 0 ? [`${before} frames`, ...last.map(textOf)] : last.map(textOf);
    return `frames:\n  ${[...lines, ...end].join('\n  ')}`;
  }

  /** Waits until `check` gives a value; rejects when no more can come, or none comes in time. */
  async until<T>(what: string, check: () => T | undefined, deadlineMs = DEADLINE_MS): Promise<T> {
    for (;;) {
      const value = check();
      if (value !== undefined) return value;
      if (this.ended) throw new EndOfBytesError(`no ${what}; ${this.story()}`);
      try {
        await withDeadline(what, this.#changed.promise, deadlineMs);
      } catch (error) {
        throw new Error(`no ${what}; ${this.story()}`, { cause: error });
      }
    }
  }

  /** The first frame that `check` accepts. */
  frame(what: string, check: (frame: Received) => boolean): Promise<Received> {
    return this.until(what, () => this.received.find(check));
  }

  /** The first GOAWAY. */
  async goaway(): Promise<{ lastStream: number; code: string; debug: string }> {
    const { payload } = await this.frame('GOAWAY', ({ type }) => type === 'GOAWAY');
    return {
      lastStream: payload.readUInt32BE(0),
      code: codeName(payload.readUInt32BE(4)),
      debug: payload.toString('latin1', 8),
    };
  }

  /** The code that `stream` was reset with. */
  async reset(stream: number): Promise<string> {
    const what = `RST_STREAM of ${stream}`;
    const { payload } = await this.frame(what, (it) => isReset(it, stream));
    return codeName(payload.readUInt32BE(0));
  }

  /** Resolves when the other side has ended the connection. */
  async untilEnded(): Promise<void> {
    await this.until('end of the connection', () => (this.ended ? true : undefined));
  }

  /** A PING and its answer: what was sent before has been read. */
  async alive(): Promise<void> {
    const text = `alive${`${this.#pings++}`.padStart(3, '0')}`;
    void this.send(ping(text));
    await this.frame(
      `answer to PING "${text}"`,
      ({ type, flags, payload }) =>
        type === 'PING' && flags === ACK && payload.toString('latin1') === text,
    );
  }

  /** The whole message that came on `stream`; StreamResetError when it was reset instead. */
  async message(stream: number): Promise<Http2Message> {
    await this.until(`message on stream ${stream}`, () => {
      const frames = this.#byStream.get(stream) ?? [];
      const reset = frames.find((frame) => isReset(frame, stream));
      const end = frames.findIndex(endsStream);
      if (end >= 0 && (frames[end]?.type === 'DATA' || frames[end]?.block !== undefined))
        return true;
      if (reset === undefined) return undefined;
      const code = codeName(reset.payload.readUInt32BE(0));
      throw new StreamResetError(`stream ${stream} was reset with ${code}; ${this.story()}`);
    });
    return this.messageSoFar(stream);
  }

  /** What has come on `stream`, whole or not. */
  messageSoFar(stream: number): Http2Message {
    const frames = this.#byStream.get(stream) ?? [];
    const blocks = frames.flatMap(({ block }) => (block === undefined ? [] : [block.fields]));
    const finals = blocks.filter((fields) => !isInterim(fields));
    return {
      stream,
      interim: blocks.filter(isInterim),
      fields: finals[0] ?? [],
      body: Buffer.concat(frames.filter(({ type }) => type === 'DATA').map(dataOf)),
      trailers: finals[1] ?? [],
    };
  }

  /** The head of the next request that was not taken yet; its message may go on. */
  async nextHead(): Promise<Received> {
    await this.until('request', () => this.#heads.length > 0 || undefined, IDLE_MS);
    const head = this.#heads.shift();
    return head ?? this.nextHead();
  }

  /** The next whole request. */
  async nextRequest(): Promise<Http2Message> {
    const { stream } = await this.nextHead();
    return this.message(stream);
  }

  destroy(): void {
    this.link.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

const isInterim = (fields: readonly DecodedField[]): boolean =>
  /^1\d\d$/.test(valueOf(fields, ':status') ?? '');

const isReset = ({ type, stream }: Received, wanted: number): boolean =>
  type === 'RST_STREAM' && stream === wanted;
