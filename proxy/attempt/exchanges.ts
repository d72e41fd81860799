/** The exchanges of one listener: objects are used again, so that a request makes little garbage. */
import type { RequestSink, ResponseSink } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import { Exchange, type ExchangeParts } from './exchange.ts';

/** Exchanges kept for reuse; more than that were a peak. */
const FREE_MAX = 256;

/** Returns what opens an exchange: see ServerSide.open. */
export function exchangesOf(
  parts: ExchangeParts,
): (downstream: ResponseSink, head: Head, body: number) => RequestSink {
  const free: Exchange[] = [];
  const recycle = (over: Exchange): void => {
    if (free.length < FREE_MAX) free.push(over);
  };
  return (downstream, head, body) => {
    const exchange = free.pop() ?? new Exchange(parts, recycle);
    exchange.open(downstream, head, body);
    return exchange;
  };
}
