/**
 * What lies behind a listener through which anything may be spoken, and what its connections have
 * shown: who speaks first there. One a listener; one that takes HTTP only has none.
 */
import type { PortProtocol } from '../model/exchange.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Link } from '../transport/link.ts';

/** What became of a connection's detection; `none`: it ended before anything was known. */
export const DETECTED = ['http1', 'http2', 'tcp', 'none'] as const;
export type Detected = (typeof DETECTED)[number];

/** An open upstream link. */
export interface WayLink {
  /** Nobody hears of it yet: its taker sets `events` within the call. */
  readonly link: Link;
  /** It is gone: to be said once. */
  readonly over: () => void;
}

/** Hears exactly one of the two, unless it has left. */
export interface WayWaiter {
  connected(upstream: WayLink): void;
  failed(error: MeshError): void;
}

/** What a way needs; `stack.ts` puts it together. */
export interface WayParts {
  /** With ticks of a few milliseconds, for a client's silence. */
  readonly fineWheel: TimerWheel;
  readonly nowUs: () => number;
  /** What connections speak; undefined: detect; "unknown" until the destination is found. */
  readonly declared: () => PortProtocol | 'unknown' | undefined;
  /** Tells once, when it is not "unknown" any more. */
  readonly whenDeclared: (tell: () => void) => void;
  /** Looks for an upstream link, may tell at once, and returns how to leave. */
  readonly connect: (waiter: WayWaiter) => () => void;
  /** A connection's detection is over; `timedOut`: time decided, not bytes. */
  readonly detected: (result: Detected, tookUs: number, timedOut: boolean) => void;
}

/** One listener's. */
export class Way {
  readonly parts: WayParts;
  /** Who has been seen to speak first; the server's word outweighs any client's. */
  first: 'unknown' | 'client' | 'server' = 'unknown';
  /** Upstream links dialled to hear whether the server speaks, and not decided. */
  listening = 0;

  constructor(parts: WayParts) {
    this.parts = parts;
  }
}
