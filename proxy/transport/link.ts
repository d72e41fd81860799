/**
 * The byte-stream seam: a Link is one byte stream, a Transport listens and dials. Sessions know
 * only these; real sockets, memory and other runtimes implement them.
 *
 *   inbound bytes:   onBytes(view) ... onEnd (peer's FIN)          view valid during the call
 *   outbound bytes:  room(n) -> write into it -> advance(n)        copied once, into a slab
 *                    one system call a link and turn; onSent(n) when the kernel has taken n bytes
 *   end:             onClose, exactly once and last
 */
import type { SocketAddress } from '../../base/settings.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { ListenAddress } from '../model/thread.ts';

/** The two ends of a link. */
export interface Peer {
  /** "address:port" of the other end. */
  readonly remote: string;
  /** "address:port" of this end. */
  readonly local: string;
  /**
   * Where an accepted link was going before it was redirected to its listener; undefined where nothing
   * redirected it, or that cannot be told any more. To be asked while the link is open.
   */
  readonly originalDst?: SocketAddress | undefined;
}

/** What the owner of a link hears. Calls come inside a turn of the transport. */
export interface LinkEvents {
  /** Dialled links only, before anything else. */
  onOpen(): void;
  /** HOT: per frame. Bytes [start, end) of a buffer that is lent for the call. */
  onBytes(bytes: Buffer, start: number, end: number): void;
  /** The peer sends no more; we still may. */
  onEnd(): void;
  /** HOT: per frame. The kernel has taken `bytes` more bytes. */
  onSent(bytes: number): void;
  /** The link is gone; `error` says why unless both sides ended it in order or we did. */
  onClose(error: MeshError | undefined): void;
}

/** Hears nothing: of a link that nobody cares for any more. */
export const NOBODY: LinkEvents = {
  onOpen() {},
  onBytes() {},
  onEnd() {},
  onSent() {},
  onClose() {},
};

/** An open link, on its way from who dialled it to who uses it. */
export interface OpenLink {
  /** Nobody hears of it yet: its taker sets `events` within the call. */
  readonly link: Link;
  /** It is gone: to be said once. */
  over(): void;
}

/** Hears exactly one of the two, unless it has left. */
export interface LinkWaiter {
  connected(opened: OpenLink): void;
  failed(error: MeshError): void;
}

/** A dial under way, for whoever waits for its link. */
export interface LinkDial {
  /** It is given up; the waiter hears nothing any more. */
  leave(): void;
  /** The waiter's client may be gone: from here on it lasts no longer than dials into the mesh do. */
  hurry(): void;
}

/** Counts of one group of links, single writer: index by LINK_* below. */
export type LinkCounts = Float64Array;
export const LINK_OPENED = 0;
export const LINK_CLOSED = 1;
export const LINK_READ_BYTES = 2;
export const LINK_WRITTEN_BYTES = 3;
/** Sum of the lifetimes of closed links, milliseconds. */
export const LINK_CLOSED_MS = 4;
/** Closed links by lifetime: one count for each bound below, and one for those beyond. */
export const LINK_LIFETIMES = 5;
/** Bounds of the lifetime buckets, milliseconds, inclusive. */
export const LIFETIME_BOUNDS_MS = [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000] as const;
/** Numbers in a LinkCounts. */
export const LINK_COUNTS = LINK_LIFETIMES + LIFETIME_BOUNDS_MS.length + 1;

/** HOT: per exchange, where connections are not kept. A link is gone that was open for so long. */
export function countClosed(counts: LinkCounts, lifetimeMs: number): void {
  let bucket = 0;
  while (bucket < LIFETIME_BOUNDS_MS.length && lifetimeMs > LIFETIME_BOUNDS_MS[bucket]!) bucket++;
  counts[LINK_CLOSED]! += 1;
  counts[LINK_CLOSED_MS]! += lifetimeMs;
  counts[LINK_LIFETIMES + bucket]! += 1;
}

/** One byte stream. */
export interface Link {
  readonly peer: Peer;
  /** Who hears of it; may be handed over (a pooled link to its next owner). */
  events: LinkEvents;
  /** `onClose` has come. */
  readonly closed: boolean;
  /** Bytes that the kernel has not taken yet. */
  readonly unsentBytes: number;

  /** A buffer with `bytes` (at most SLAB_BYTES) free at `length`; fill it, then `advance`. */
  room(bytes: number): Buffer;
  /** Where free room begins in the buffer that `room` gave. */
  readonly length: number;
  /** `bytes` were put into the room: they leave at the end of the turn. */
  advance(bytes: number): void;
  /** Copies bytes [start, end) out; any length. */
  write(bytes: Buffer, start: number, end: number): void;

  /** No onBytes and no onEnd until `resume`. A paused link does not notice its peer's reset. */
  pause(): void;
  resume(): void;
  /**
   * TCP keep-alive, and a bound on what is not acknowledged, from here on: for links that may be
   * silent for as long as they like. Others are missed by their sessions' timers.
   */
  keepAlive(): void;
  /** FIN after everything unsent. */
  end(): void;
  /** RST at once; unsent bytes are dropped. onClose follows. */
  reset(): void;
  /** Closes after everything unsent has left, without waiting for the peer. */
  close(): void;
}

/** An open listener. */
export interface Listener {
  readonly address: SocketAddress;
  /** Stops accepting; links live on. */
  close(): void;
}

/** What to dial, and where it is counted. */
export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Source address; undefined lets the system choose. */
  readonly from: string | undefined;
  readonly counts: LinkCounts;
}

/** Makes links. */
export interface Transport {
  /** Rejects with the system's error when the address cannot be had. */
  listen(
    address: ListenAddress,
    counts: LinkCounts,
    accept: (link: Link) => LinkEvents,
  ): Promise<Listener>;
  dial(options: DialOptions, events: LinkEvents): Link;
}
