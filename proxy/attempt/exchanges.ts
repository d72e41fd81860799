/** The exchanges of one listener: objects are used again, so that a request makes little garbage. */
import type { ServerSide } from '../session/server-session.ts';
import type { ExchangeParts } from './exchange-parts.ts';
import { Exchange } from './exchange.ts';

/** Exchanges kept for reuse; more than that were a peak. */
const FREE_MAX = 256;

/** Returns what opens an exchange: see ServerSide.open. */
export function exchangesOf(parts: ExchangeParts): ServerSide['open'] {
  const free: Exchange[] = [];
  const recycle = (over: Exchange): void => {
    if (free.length < FREE_MAX) free.push(over);
  };
  return (downstream, head, body, protocol) => {
    const exchange = free.pop() ?? new Exchange(parts, recycle);
    exchange.open(downstream, head, body, protocol);
    return exchange;
  };
}
