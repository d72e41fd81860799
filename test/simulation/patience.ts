/**
 * How long anything may take at most: what the limits of the proxies imply, and for as long as the
 * network is cut between a client and its own sidecar, no limit at all.
 */
import { limits, timeouts } from '../../proxy/limits.ts';

/** A timer fires late by less than two ticks of its wheel, and a dial has one tick more. */
const TICKS_LATE_MS = 300;
/** Outbound and inbound. */
const PROXIES = 2;
/** Who waits is looked at once a minute, and so are the links that TCP's keep-alive asks about. */
const LOOK_MS = 60_000;
/** Applications close what asks nothing. */
export const UNUSED_MS = 60_000;

/** One dial. */
export const dialMsMax = (): number => timeouts.connectTimeoutMs + TICKS_LATE_MS;

/** Before a request or a connection has reached its application: discovery, and all dials. */
const reachedMsMax = (): number =>
  timeouts.discoveryTimeoutMs + PROXIES * limits.dialsPerExchangeMax * dialMsMax();

/** What did not move between two looks has stalled: a look comes once in `idleMs`. */
const stalledMsMax = (idleMs: number): number => 2 * idleMs + TICKS_LATE_MS;

/** An exchange, beyond what its ends take: it moves, or the downstream's session ends it. */
export const exchangeMsMax = (): number =>
  reachedMsMax() + stalledMsMax(timeouts.streamIdleMs) + LOOK_MS;

/** A conversation of TCP: one end is done, or a link is cut, which two looks of keep-alive find. */
export const talkMsMax = (): number =>
  reachedMsMax() + stalledMsMax(timeouts.halfCloseMs) + 3 * LOOK_MS;

/**
 * A connection that asks nothing that can be answered. A request that is never whole may be answered
 * for its silence by the far proxy, which moves it once more at the near one.
 */
export const strangerMsMax = (): number =>
  reachedMsMax() +
  Math.max(
    timeouts.downstreamIdleMs,
    PROXIES * stalledMsMax(timeouts.streamIdleMs),
    stalledMsMax(timeouts.halfCloseMs),
  ) +
  timeouts.lingerMs +
  UNUSED_MS +
  2 * LOOK_MS;

/** Since when somebody could have been told: a link that is cut carries no answer and no end. */
export class Patience {
  #sinceMs: number;
  readonly #links = new Set<{ readonly severed: boolean }>();

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** `link` is where it waits now, too. */
  at(link: { readonly severed: boolean }, nowMs: number): void {
    this.#links.add(link);
    this.#sinceMs = nowMs;
  }

  /** For how long it has waited; to be asked once a minute. */
  waitedMs(nowMs: number): number {
    for (const { severed } of this.#links) if (severed) this.#sinceMs = nowMs;
    return nowMs - this.#sinceMs;
  }
}
