/** One end of a link in the simulation's hands. */
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import type { Link, LinkEvents } from '../../proxy/transport/link.ts';
import type { MemoryLink } from '../../proxy/transport/memory-link.ts';
import type { Turn } from '../../proxy/transport/turn.ts';

/** Hears what comes to a peer. */
export interface PeerEvents {
  /** `bytes` are the hearer's own. */
  received(bytes: Buffer): void;
  /** The other side sends no more. */
  ended(): void;
  /** Once, and last. */
  closed(error: MeshError | undefined): void;
}

const NOBODY: PeerEvents = { received() {}, ended() {}, closed() {} };

/** A link's events with copies of what comes, and its calls in turns. */
export class Peer implements LinkEvents {
  link!: MemoryLink;
  events: PeerEvents = NOBODY;
  /** Our FIN is on its way, or more. */
  ending = false;
  hasEnded = false;
  isClosed = false;
  readonly #turn: Turn;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** Nothing can be sent any more. */
  get over(): boolean {
    return this.ending || this.isClosed;
  }

  send(bytes: Buffer): void {
    if (this.over) return;
    this.#turn.run(() => this.link.write(bytes, 0, bytes.length));
  }

  /** Reads no more until `resume`. */
  pause(): void {
    if (!this.isClosed) this.#turn.run(() => this.link.pause());
  }

  resume(): void {
    if (!this.isClosed) this.#turn.run(() => this.link.resume());
  }

  end(): void {
    if (this.over) return;
    this.ending = true;
    this.#turn.run(() => this.link.end());
  }

  /** Ends in order, without waiting for the other side. */
  close(): void {
    this.ending = true;
    if (!this.isClosed) this.#turn.run(() => this.link.close());
  }

  reset(): void {
    this.ending = true;
    if (!this.isClosed) this.#turn.run(() => this.link.reset());
  }

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.events.received(Buffer.from(bytes.subarray(start, end)));
  }

  onEnd(): void {
    this.hasEnded = true;
    this.events.ended();
  }

  onSent(): void {}

  onClose(error: MeshError | undefined): void {
    this.isClosed = true;
    this.events.closed(error);
  }
}

/** What listens or dials gives links of this class. */
export const memoryLink = (link: Link): MemoryLink => link as MemoryLink;
