/**
 * One end of an HTTP/2 connection in the simulation: whole messages, as far as the windows of the
 * other side let them, with a book of both windows. Written apart from the product's sessions.
 */
import { limits } from '../../proxy/limits.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import { HpackPeer } from '../support/http2-hpack.ts';
import {
  ACK,
  block,
  data,
  END_HEADERS,
  END_STREAM,
  goaway,
  headers,
  ping,
  PREFACE,
  reset,
  SETTING,
  settings,
  settingsAck,
  type WireField,
  windowUpdate,
  type ErrorName,
} from '../support/http2-wire.ts';
import type { Fields, SideEvents, SideStream, StreamEvents } from './http2-side-events.ts';
import { Violation } from './ledger.ts';
import type { Peer, PeerEvents } from './peer.ts';

const FRAME_HEADER = 9;
const FRAME_BYTES_MAX = 16_384;
const WINDOW_START = 65_535;
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8, more: 9 };
/** Connection credit goes back in pieces of this. */
const CREDIT_BYTES = 16_384;

/** What an end says of itself in its SETTINGS. */
export interface SideOptions {
  readonly role: 'client' | 'server';
  readonly windowBytes: number;
  readonly streamsMax: number;
  /** All that are open: this one is added. */
  readonly sides: Set<Http2Side>;
}

/** One end, in either role. */
export class Http2Side implements PeerEvents {
  readonly peer: Peer;
  /** What the peer lets us send on the connection. */
  sendWindow = WINDOW_START;
  /** Streams the peer allows at a time. */
  streamsMax = Number.POSITIVE_INFINITY;
  /** GOAWAY came or was sent: no stream begins any more. */
  leaving = false;
  readonly #options: SideOptions;
  readonly #events: SideEvents;
  readonly #streams = new Map<number, SideStream>();
  readonly #hpack = new HpackPeer();
  #unread: Buffer = Buffer.alloc(0);
  #receiveWindow = WINDOW_START;
  #owed = 0;
  /** Of new streams, by the peer's SETTINGS. */
  #initialWindow = WINDOW_START;
  /** What the peer may send on a new stream: ours, once it has acknowledged it. */
  #ownWindow = WINDOW_START;
  /** The peer has acknowledged our SETTINGS. */
  #settled = false;
  #nextId = 1;
  #highest = 0;
  #partial: { id: number; flags: number; parts: Buffer[] } | undefined = undefined;

  constructor(peer: Peer, options: SideOptions, events: SideEvents) {
    this.peer = peer;
    this.#options = options;
    this.#events = events;
    peer.events = this;
    options.sides.add(this);
    if (options.role === 'client') peer.send(PREFACE);
    const streams: readonly (readonly [number, number])[] =
      options.role === 'server' ? [[SETTING.MAX_CONCURRENT_STREAMS, options.streamsMax]] : [];
    peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, options.windowBytes], ...streams));
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Whether a stream may begin now. */
  get usable(): boolean {
    return (
      !this.leaving && !this.peer.over && !this.peer.hasEnded && this.streams < this.streamsMax
    );
  }

  /**
   * Fails when credit of the connection was lost: at rest, with all read that we sent, the proxy may
   * owe up to half of its window, and no more.
   */
  checkCredit(): void {
    const { link, over } = this.peer;
    if (over || this.streams > 0 || !this.#settled) return;
    if (link.severed || link.unsentBytes > 0) return;
    if (2 * this.sendWindow < limits.connectionWindowBytes) {
      throw new Violation(`a connection at rest has ${this.sendWindow} bytes of its window left`);
    }
  }

  // ---- what this end says ----

  /** Begins a stream and returns its number. */
  open(fields: readonly WireField[], ends: boolean, events: StreamEvents): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#add(id, events);
    this.head(id, fields, ends);
    return id;
  }

  head(id: number, fields: readonly WireField[], ends: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.peer.send(headers(id, block(...fields), END_HEADERS | (ends ? END_STREAM : 0)));
    if (ends) this.#localEnd(stream);
  }

  write(id: number, bytes: Buffer): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.waiting.push(Buffer.from(bytes));
    this.#pump(stream);
  }

  /** The end behind what was written, with trailers where there are any. */
  finish(id: number, trailers: readonly WireField[] = []): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.ending = trailers;
    this.#pump(stream);
  }

  reset(id: number, code: ErrorName): void {
    if (!this.#streams.delete(id)) return;
    this.peer.send(reset(id, code));
    this.#events.freed();
  }

  /** No stream above `last` was processed, nor will be. */
  goaway(last: number): void {
    this.leaving = true;
    this.peer.send(goaway(last, 'NO_ERROR'));
    for (const id of this.#streams.keys()) if (id > last) this.#streams.delete(id);
    this.#events.freed();
  }

  /** Highest stream the other side began. */
  get highest(): number {
    return this.#highest;
  }

  /** Gives no credit for the stream, or all that it owes. */
  stall(id: number, stalled: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.stalled = stalled;
    if (!stalled) this.#credit(stream);
  }

  // ---- what comes ----

  received(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const unread = this.#unread;
      if (unread.length < FRAME_HEADER) return;
      const end = FRAME_HEADER + unread.readUIntBE(0, 3);
      if (unread.length < end) return;
      this.#unread = unread.subarray(end);
      this.#frame(
        unread[3]!,
        unread[4]!,
        unread.readUInt32BE(5),
        unread.subarray(FRAME_HEADER, end),
      );
    }
  }

  ended(): void {
    this.peer.close();
  }

  closed(error: MeshError | undefined): void {
    this.#options.sides.delete(this);
    for (const { events } of this.#streams.values()) events.lost();
    this.#streams.clear();
    this.#events.closed(error);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case TYPE.data:
        return this.#data(flags, id, payload);
      case TYPE.headers:
        this.#partial = { id, flags, parts: [payload] };
        return this.#block(flags);
      case TYPE.more:
        this.#partial?.parts.push(payload);
        return this.#block(flags);
      case TYPE.reset:
        return this.#over(this.#streams.get(id), true);
      case TYPE.settings:
        return this.#settings(flags, payload);
      case TYPE.ping:
        if ((flags & ACK) === 0) this.peer.send(ping(payload.toString('latin1'), ACK));
        return;
      case TYPE.goaway:
        this.leaving = true;
        return this.#events.goneAway(payload.readUInt32BE(0));
      case TYPE.window:
        return this.#window(id, payload.readUInt32BE(0));
      default:
        throw new Violation(`a frame of type ${type}`);
    }
  }

  #data(flags: number, id: number, payload: Buffer): void {
    this.#receiveWindow -= payload.length;
    if (this.#receiveWindow < 0) throw new Violation('DATA beyond the window of the connection');
    this.#owed += payload.length;
    if (this.#owed >= CREDIT_BYTES) {
      this.#receiveWindow += this.#owed;
      this.peer.send(windowUpdate(0, this.#owed));
      this.#owed = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.receiveWindow -= payload.length;
    if (stream.receiveWindow < 0) throw new Violation('DATA beyond the window of its stream');
    if (payload.length > 0) stream.events.data(payload);
    stream.owed += payload.length;
    if ((flags & END_STREAM) !== 0) this.#remoteEnd(stream, undefined);
    else if (!stream.stalled) this.#credit(stream);
  }

  #credit(stream: SideStream): void {
    if (stream.owed === 0 || stream.remoteEnded) return;
    stream.receiveWindow += stream.owed;
    this.peer.send(windowUpdate(stream.id, stream.owed));
    stream.owed = 0;
  }

  #block(flags: number): void {
    if ((flags & END_HEADERS) === 0 || this.#partial === undefined) return;
    const { id, flags: first, parts } = this.#partial;
    this.#partial = undefined;
    const decoded = this.#hpack.decode(Buffer.concat(parts));
    const fields = new Map(decoded.fields.map(({ name, value }) => [name, value]));
    const stream = this.#streams.get(id) ?? this.#begin(id);
    if (stream === undefined || fields.get(':status')?.startsWith('1') === true) return;
    const ends = (first & END_STREAM) !== 0;
    if (stream.headSeen) {
      if (!ends) throw new Violation('trailers that do not end their stream');
      return this.#remoteEnd(stream, fields);
    }
    stream.headSeen = true;
    stream.events.head(fields);
    if (ends) this.#remoteEnd(stream, undefined);
  }

  #begin(id: number): SideStream | undefined {
    if (this.#options.role === 'client' || id <= this.#highest) return undefined;
    this.#highest = id;
    if (this.leaving) return undefined;
    const tooMany = this.streams >= this.#options.streamsMax;
    // Before the peer knows our SETTINGS it cannot do better.
    if (tooMany && this.#settled) throw new Violation('more streams than allowed');
    return this.#add(id, this.#events.accept(id, tooMany));
  }

  #add(id: number, events: StreamEvents): SideStream {
    const stream: SideStream = {
      id,
      events,
      sendWindow: this.#initialWindow,
      receiveWindow: this.#ownWindow,
      owed: 0,
      stalled: false,
      headSeen: false,
      remoteEnded: false,
      localEnded: false,
      waiting: [],
      ending: undefined,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  #settings(flags: number, payload: Buffer): void {
    if ((flags & ACK) !== 0) {
      const change = this.#options.windowBytes - this.#ownWindow;
      this.#ownWindow = this.#options.windowBytes;
      this.#settled = true;
      for (const stream of this.#streams.values()) stream.receiveWindow += change;
      return;
    }
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      const name = payload.readUInt16BE(at);
      if (name === SETTING.MAX_CONCURRENT_STREAMS) this.streamsMax = value;
      if (name !== SETTING.INITIAL_WINDOW_SIZE) continue;
      for (const stream of this.#streams.values()) stream.sendWindow += value - this.#initialWindow;
      this.#initialWindow = value;
    }
    this.peer.send(settingsAck());
    this.#pumpAll();
  }

  #window(id: number, bytes: number): void {
    if (id === 0) {
      this.sendWindow += bytes;
      if (this.sendWindow > limits.connectionWindowBytes) {
        throw new Violation(`a connection has a window of ${this.sendWindow}`);
      }
      return this.#pumpAll();
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.sendWindow += bytes;
    if (stream.sendWindow > this.#initialWindow) {
      throw new Violation(`a stream has a window of ${stream.sendWindow}`);
    }
    this.#pump(stream);
  }

  #pumpAll(): void {
    for (const stream of this.#streams.values()) this.#pump(stream);
  }

  #pump(stream: SideStream): void {
    if (stream.localEnded) return;
    for (let next = stream.waiting[0]; next !== undefined; next = stream.waiting[0]) {
      const size = Math.min(next.length, stream.sendWindow, this.sendWindow, FRAME_BYTES_MAX);
      if (size <= 0) return;
      stream.sendWindow -= size;
      this.sendWindow -= size;
      this.peer.send(data(stream.id, next.subarray(0, size)));
      if (size === next.length) stream.waiting.shift();
      else stream.waiting[0] = next.subarray(size);
    }
    const { ending } = stream;
    if (ending === undefined) return;
    this.peer.send(
      ending.length === 0
        ? data(stream.id, '', END_STREAM)
        : headers(stream.id, block(...ending), END_HEADERS | END_STREAM),
    );
    this.#localEnd(stream);
  }

  #localEnd(stream: SideStream): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.#over(stream, false);
  }

  #remoteEnd(stream: SideStream, trailers: Fields | undefined): void {
    stream.remoteEnded = true;
    stream.events.end(trailers);
    if (stream.localEnded) this.#over(stream, false);
  }

  #over(stream: SideStream | undefined, lost: boolean): void {
    if (stream === undefined || !this.#streams.delete(stream.id)) return;
    if (lost) stream.events.lost();
    this.#events.freed();
  }
}
