/** How long a port of the known-delay server takes to answer: plain JSON. */

/** Of one port. */
export interface PortDelay {
  /** From the whole request to the answer; 0 answers at once. */
  readonly delayMs: number;
  /** Share of requests, 0 to 1, that take `slowFactor` times as long; drawn from `seed`. */
  readonly slowShare?: number;
  readonly slowFactor?: number;
  readonly seed?: number;
  /** Spoken on the port; absent: HTTP/1.1. */
  readonly protocol?: 'http2';
  /** The last `forMs` of each `everyMs` since the start nothing is answered, by this port. */
  readonly stall?: { readonly everyMs: number; readonly forMs: number };
}

/** How long an answer that is ready at `readyMs` (since the start) waits for a stall to end. */
export function stalledMs(stall: PortDelay['stall'], readyMs: number): number {
  if (stall === undefined) return 0;
  const leftMs = stall.everyMs - (readyMs % stall.everyMs);
  return leftMs <= stall.forMs ? leftMs : 0;
}
