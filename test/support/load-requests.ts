/** What a `Load` sends, as plain data: it can be told to another process. */
import type { LoadOptions } from './load.ts';

/** Requests in turn, from so many clients. */
export interface LoadRequests {
  readonly clients: number;
  readonly pauseMs: number;
  readonly host: string;
  /** "GET /": a method and a target each. */
  readonly requests: readonly string[];
  /** Of good answers. */
  readonly statuses: readonly number[];
  /** Each on a connection of its own; else connections are kept. */
  readonly connectionEach?: boolean;
  /** As of `Load`. */
  readonly repeats?: boolean;
}

/** The same for `Load`. */
export const optionsOf = (plan: LoadRequests): LoadOptions => ({
  clients: plan.clients,
  pauseMs: plan.pauseMs,
  host: plan.host,
  requestLine: (n) => plan.requests[n % plan.requests.length] ?? 'GET /',
  isGood: (status) => plan.statuses.includes(status),
  closes: () => plan.connectionEach === true,
  repeats: plan.repeats === true,
});
