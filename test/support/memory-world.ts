/** Both ends of connections without sockets: scripted peers around what is tested, in fake time. */
import assert from 'node:assert/strict';
import type { SocketAddress } from '../../base/settings.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import {
  type Link,
  LINK_COUNTS,
  type LinkCounts,
  type LinkEvents,
} from '../../proxy/transport/link.ts';
import { MemoryClock } from '../../proxy/transport/memory-clock.ts';
import { type MemoryOptions, MemoryTransport } from '../../proxy/transport/memory.ts';
import type { Turn } from '../../proxy/transport/turn.ts';

/** What a test does when its peer hears something. */
export type React = (peer: MemoryPeer) => void;

/** One end of a link in a test's hands: it keeps what it hears. */
export class MemoryPeer implements LinkEvents {
  link!: Link;
  opened = false;
  ended = false;
  closed = false;
  error: MeshError | undefined = undefined;
  sentBytes = 0;
  /** After any event but onSent. */
  react: React = () => undefined;
  readonly #turn: Turn;
  #received: Buffer[] = [];

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** All bytes since the beginning or the last `take`. */
  get bytes(): Buffer {
    return Buffer.concat(this.#received);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** `text`, which is forgotten then. */
  take(): string {
    const text = this.text;
    this.#received = [];
    return text;
  }

  /** Puts `text` back: it was taken too early. */
  keep(text: string): void {
    if (text !== '') this.#received.unshift(Buffer.from(text, 'latin1'));
  }

  send(what: string | Buffer): void {
    const bytes = typeof what === 'string' ? Buffer.from(what, 'latin1') : what;
    this.#turn.run(() => this.link.write(bytes, 0, bytes.length));
  }

  pause(): void {
    this.#turn.run(() => this.link.pause());
  }

  resume(): void {
    this.#turn.run(() => this.link.resume());
  }

  end(): void {
    this.#turn.run(() => this.link.end());
  }

  close(): void {
    this.#turn.run(() => this.link.close());
  }

  reset(): void {
    this.#turn.run(() => this.link.reset());
  }

  onOpen(): void {
    this.opened = true;
    this.react(this);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    assert(start < end, 'an empty read');
    this.#received.push(Buffer.from(bytes.subarray(start, end)));
    this.react(this);
  }

  onEnd(): void {
    assert(!this.ended, 'a second onEnd');
    this.ended = true;
    this.react(this);
  }

  onSent(bytes: number): void {
    this.sentBytes += bytes;
  }

  onClose(error: MeshError | undefined): void {
    assert(!this.closed, 'a second onClose');
    this.closed = true;
    this.error = error;
    this.react(this);
  }
}

export const newLinkCounts = (): LinkCounts => new Float64Array(LINK_COUNTS);

/** A transport and a clock with the test's peers on it. */
export class MemoryWorld {
  readonly clock = new MemoryClock();
  readonly transport: MemoryTransport;
  /** Of all peers' ends. */
  readonly peerCounts: LinkCounts = newLinkCounts();

  constructor(options: MemoryOptions = {}) {
    this.transport = new MemoryTransport(this.clock.turn, options);
  }

  /** A peer that listens: the links it has been given, in order. */
  async serve(address: SocketAddress, react: React = () => undefined): Promise<MemoryPeer[]> {
    const peers: MemoryPeer[] = [];
    await this.transport.listen(address, this.peerCounts, (link) => {
      const peer = this.#peer(link, react);
      peer.opened = true;
      peers.push(peer);
      return peer;
    });
    return peers;
  }

  /** A peer that dials; it is connected after `run`. */
  connect({ host, port }: SocketAddress, react: React = () => undefined): MemoryPeer {
    const peer = this.#peer(undefined, react);
    peer.link = this.transport.dial({ host, port, from: undefined, counts: this.peerCounts }, peer);
    return peer;
  }

  run(): void {
    this.transport.run();
  }

  /** Time passes, and what it brings about happens. */
  advance(ms: number): void {
    this.clock.advance(ms, () => this.transport.run());
  }

  #peer(link: Link | undefined, react: React): MemoryPeer {
    const peer = new MemoryPeer(this.clock.turn);
    if (link !== undefined) peer.link = link;
    peer.react = react;
    return peer;
  }
}
