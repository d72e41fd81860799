/**
 * One end of an HTTP/2 connection in memory that sends whole messages as far as the windows of the
 * other side let it, and gives credit back for what comes.
 */
import type { PeerStream } from './http2-memory-peer.ts';
import { Http2MemoryPeer } from './http2-memory-peer.ts';
import { PREFACE, settings, settingsAck, windowUpdate } from './http2-wire.ts';
import type { MemoryPeer, MemoryWorld } from './memory-world.ts';

const FRAME_HEADER = 9;

export class Http2End {
  readonly wire: Http2MemoryPeer;
  /** Credit goes back for all that comes. */
  givesCredit = true;
  /** Frames that wait, by stream. */
  readonly #waiting = new Map<number, Buffer[]>();
  /** DATA frames whose credit went back, by stream. */
  readonly #given = new Map<number, number>();
  readonly #heard: (end: Http2End) => void;

  /** `heard` is called when something came; SETTINGS, those of `values`, go out at once. */
  constructor(
    world: MemoryWorld,
    peer: MemoryPeer,
    role: 'client' | 'server',
    heard: (end: Http2End) => void = () => undefined,
    ...values: readonly (readonly [id: number, value: number])[]
  ) {
    this.#heard = heard;
    this.wire = new Http2MemoryPeer(world, peer, role);
    const read = peer.react;
    peer.react = (it) => {
      read(it);
      this.#settle();
    };
    this.wire.put(...(role === 'client' ? [PREFACE] : []), settings(...values), settingsAck());
  }

  /** A server's end, once the client's preface came; undefined before. */
  static accepted(
    world: MemoryWorld,
    peer: MemoryPeer,
    heard?: (end: Http2End) => void,
    ...values: readonly (readonly [id: number, value: number])[]
  ): Http2End | undefined {
    const { text } = peer;
    if (text.length < PREFACE.length) return undefined;
    if (!text.startsWith(PREFACE.toString('latin1'))) throw new Error('not the preface');
    peer.take();
    peer.keep(text.slice(PREFACE.length));
    const end = new Http2End(world, peer, 'server', heard, ...values);
    end.#settle();
    return end;
  }

  /** Sends `frames` of `stream`, in order, as far as there is credit; the rest follows. */
  send(stream: number, frames: readonly Buffer[]): void {
    const waiting = this.#waiting.get(stream) ?? [];
    waiting.push(...frames);
    this.#waiting.set(stream, waiting);
    this.#pump();
  }

  #settle(): void {
    if (this.givesCredit) {
      for (const [id, stream] of this.wire.streams) this.#giveBack(id, stream);
    }
    this.#pump();
    this.#heard(this);
  }

  #giveBack(id: number, { body, ended }: PeerStream): void {
    const given = this.#given.get(id) ?? 0;
    let bytes = 0;
    for (const piece of body.slice(given)) bytes += piece.length;
    this.#given.set(id, body.length);
    if (bytes === 0) return;
    this.wire.put(windowUpdate(0, bytes));
    if (!ended) this.wire.put(windowUpdate(id, bytes));
  }

  #pump(): void {
    for (const [id, frames] of this.#waiting) {
      const stream = this.wire.stream(id);
      while (frames.length > 0 && stream.reset === undefined) {
        const [next = Buffer.alloc(0)] = frames;
        const size = next[3] === 0 ? next.length - FRAME_HEADER : 0;
        if (size > Math.min(stream.credit, this.wire.credit)) break;
        frames.shift();
        this.wire.put(next);
      }
    }
  }
}
