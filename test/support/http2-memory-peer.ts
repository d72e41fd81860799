/**
 * One end of an HTTP/2 connection in memory, in a test's hands, in either role: it says what the
 * test says, right or wrong, keeps what comes as lines of text, and keeps a book of the windows.
 */
import assert from 'node:assert/strict';
import { type DecodedField, HpackPeer } from './http2-hpack.ts';
import { Http2Referee, type Received, settingsOf } from './http2-referee.ts';
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  ERROR_CODES,
  FRAME_TYPES,
  PADDED,
  ping,
  PRIORITY,
  SETTING,
} from './http2-wire.ts';
import type { MemoryPeer, MemoryWorld } from './memory-world.ts';

const FRAME_HEADER = 9;
const WINDOW_START = 65_535;
/** Data longer than this is told by its length. */
const TOLD_BYTES = 16;

const codeName = (code: number): string => ERROR_CODES[code] ?? `code ${code}`;

/** What is known of a stream. */
export interface PeerStream {
  /** DATA that this end may still send; below 0 when SETTINGS took some back. */
  credit: number;
  /** DATA that came. */
  readonly body: Buffer[];
  /** Field blocks that came: interim heads, the head, trailers. */
  readonly blocks: (readonly DecodedField[])[];
  /** END_STREAM came, or RST_STREAM. */
  ended: boolean;
  reset: string | undefined;
}

export class Http2MemoryPeer {
  readonly peer: MemoryPeer;
  readonly referee: Http2Referee;
  /** PING is answered; a frame in pieces must not be interrupted. */
  acknowledges = true;
  /** DATA that this end may still send on the connection. */
  credit = WINDOW_START;
  readonly #world: MemoryWorld;
  readonly #hpack = new HpackPeer();
  readonly #streams = new Map<number, PeerStream>();
  #lines: string[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #open: { head: Received; parts: Buffer[] } | undefined = undefined;
  #initial = WINDOW_START;

  /** `role` is this end's own. */
  constructor(world: MemoryWorld, peer: MemoryPeer, role: 'client' | 'server') {
    this.#world = world;
    this.peer = peer;
    this.referee = new Http2Referee(role, this.#hpack);
    peer.react = () => this.#read();
    this.#read();
  }

  stream(id: number): PeerStream {
    const known = this.#streams.get(id);
    if (known !== undefined) return known;
    const stream = {
      credit: this.#initial,
      body: [],
      blocks: [],
      ended: false,
      reset: undefined,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  /** Streams that something was sent or came on. */
  get streams(): ReadonlyMap<number, PeerStream> {
    return this.#streams;
  }

  /** DATA of `stream` so far, as text. */
  body(stream: number): string {
    return Buffer.concat(this.stream(stream).body).toString('latin1');
  }

  /** Sends frames, or parts of them, and lets happen what follows. */
  send(...frames: readonly Buffer[]): void {
    this.put(...frames);
    this.#world.run();
  }

  /** Sends without letting anything happen yet. */
  put(...frames: readonly Buffer[]): void {
    const bytes = Buffer.concat(frames);
    this.referee.sent(bytes);
    this.#book(bytes);
    this.peer.send(bytes);
  }

  /** The frames that came since the last `take`, a line each. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** `take` without what is about the connection only. */
  takeMain(): string[] {
    return this.take().filter((line) => !/^(WINDOW_UPDATE|SETTINGS|PING)/.test(line));
  }

  /** What was sent takes credit. */
  #book(bytes: Buffer): void {
    let at = bytes.toString('latin1', 0, 3) === 'PRI' ? 24 : 0;
    while (at + FRAME_HEADER <= bytes.length) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes[at + 3] === 0) {
        this.credit -= length;
        this.stream(bytes.readUInt32BE(at + 5)).credit -= length;
      }
      at += FRAME_HEADER + length;
    }
  }

  #read(): void {
    this.#unread = Buffer.concat([this.#unread, Buffer.from(this.peer.take(), 'latin1')]);
    for (;;) {
      const bytes = this.#unread;
      if (bytes.length < FRAME_HEADER) return;
      const end = FRAME_HEADER + bytes.readUIntBE(0, 3);
      if (bytes.length < end) return;
      this.#unread = bytes.subarray(end);
      this.#arrive({
        type: FRAME_TYPES[bytes[3] ?? 0] ?? 'UNKNOWN',
        flags: bytes[4] ?? 0,
        stream: bytes.readUInt32BE(5),
        payload: bytes.subarray(FRAME_HEADER, end),
      });
    }
  }

  #arrive(frame: Received): void {
    this.referee.arrived(frame);
    const { type, stream, payload } = frame;
    if (type === 'HEADERS' || type === 'CONTINUATION') return this.#block(frame);
    if (type === 'DATA') {
      this.stream(stream).body.push(payload);
      this.#ends(frame);
    } else if (type === 'RST_STREAM') {
      this.stream(stream).reset = codeName(payload.readUInt32BE(0));
    } else if (type === 'WINDOW_UPDATE') {
      if (stream === 0) this.credit += payload.readUInt32BE(0);
      else this.stream(stream).credit += payload.readUInt32BE(0);
    } else if (type === 'PING' && (frame.flags & ACK) === 0) {
      if (this.acknowledges) this.put(ping(payload.toString('latin1'), ACK));
    } else if (type === 'SETTINGS' && (frame.flags & ACK) === 0) this.#settings(payload);
    this.#lines.push(lineOf(frame));
  }

  #settings(payload: Buffer): void {
    const initial = settingsOf(payload).get(SETTING.INITIAL_WINDOW_SIZE) ?? this.#initial;
    for (const known of this.#streams.values()) known.credit += initial - this.#initial;
    this.#initial = initial;
  }

  #block(frame: Received): void {
    const { flags, payload } = frame;
    if (frame.type === 'HEADERS') {
      assert.equal(flags & (PADDED | PRIORITY), 0, 'nobody here pads heads');
      this.#open = { head: frame, parts: [payload] };
    } else this.#open?.parts.push(payload);
    if ((flags & END_HEADERS) === 0 || this.#open === undefined) return;
    const { head, parts } = this.#open;
    this.#open = undefined;
    head.block = this.#hpack.decode(Buffer.concat(parts));
    this.referee.decoded(head);
    this.stream(head.stream).blocks.push(head.block.fields);
    this.#ends(head);
    this.#lines.push(lineOf(head));
  }

  #ends({ flags, stream }: Received): void {
    if ((flags & END_STREAM) === 0) return;
    const known = this.stream(stream);
    assert(!known.ended, `a second END_STREAM on ${stream}`);
    known.ended = true;
  }
}

function lineOf({ type, flags, stream, payload, block }: Received): string {
  const end = (flags & END_STREAM) === 0 ? '' : ' end';
  const acknowledges = (flags & ACK) === 0 ? '' : ' ack';
  switch (type) {
    case 'DATA': {
      const told = payload.length > TOLD_BYTES ? payload.length : payload.toString('latin1');
      return `DATA ${stream} ${told}${end}`;
    }
    case 'HEADERS': {
      const fields = (block?.fields ?? []).map(({ name, value }) => `${name}=${value}`);
      return `HEADERS ${stream} ${fields.join(' ')}${end}`;
    }
    case 'RST_STREAM':
      return `RST_STREAM ${stream} ${codeName(payload.readUInt32BE(0))}`;
    case 'GOAWAY':
      return `GOAWAY ${payload.readUInt32BE(0)} ${codeName(payload.readUInt32BE(4))}`;
    case 'WINDOW_UPDATE':
      return `WINDOW_UPDATE ${stream} ${payload.readUInt32BE(0)}`;
    case 'SETTINGS':
      return `SETTINGS${acknowledges}`;
    default:
      return `${type}${acknowledges} ${stream}`;
  }
}
