/**
 * What lies behind a listener through which anything may be spoken, and what its connections have
 * shown: who speaks first there. One a listener, or an original destination where connections are
 * redirected; a listener that takes HTTP only has none.
 */
import { timeouts } from '../limits.ts';
import type { PortProtocol } from '../model/exchange.ts';
import type { LinkDial, LinkWaiter } from '../transport/link.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';

/** What became of a connection's detection; `none`: it ended before anything was known. */
export type Detected = 'http1' | 'http2' | 'tcp' | 'none';

/** What a way needs; `stack.ts` puts it together. */
export interface WayParts {
  /** With ticks of a few milliseconds, for a client's silence. */
  readonly fineWheel: TimerWheel;
  readonly nowUs: () => number;
  /** What connections speak; undefined: detect; "unknown" until the destination is found. */
  readonly declared: () => PortProtocol | 'unknown' | undefined;
  /** Tells once, when it is not "unknown" any more. */
  readonly whenDeclared: (tell: () => void) => void;
  /** Its client is to hear of a lost upstream at once: nobody answers in its place. */
  readonly outside?: (() => boolean) | undefined;
  /** Looks for an upstream link, and may tell at once. */
  readonly connect: (waiter: LinkWaiter) => LinkDial;
  /** A connection's detection is over; `timedOut`: time decided, not bytes. */
  readonly detected: (result: Detected, tookUs: number, timedOut: boolean) => void;
}

/** One listener's, or one original destination's. */
export class Way {
  readonly parts: WayParts;
  /** Who has been seen to speak first; the server's word outweighs any client's. */
  first: 'unknown' | 'client' | 'server' = 'unknown';
  /** Upstream links dialled to hear whether the server speaks, and not decided. */
  listening = 0;

  constructor(parts: WayParts) {
    this.parts = parts;
  }

  /** For so long a client may be silent before its server is listened at. */
  get patienceMs(): number {
    return this.first === 'client' ? timeouts.detectTimeoutMs : timeouts.serverFirstMs;
  }
}
