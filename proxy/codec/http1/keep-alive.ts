/** Whether a connection of HTTP/1 goes on behind a message, and how long a server keeps it idle. */
import { FIELD_CONNECTION, FIELD_KEEP_ALIVE } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import { hasToken } from './framing.ts';

/** A connection is let go so long before its server does. */
const EARLY_MS = 500;

/**
 * Milliseconds a connection may idle by its server's word, less half a second; Infinity when the
 * server says nothing.
 */
export function keepAliveMs(head: Head): number {
  const i = head.find(FIELD_KEEP_ALIVE);
  if (i === -1) return Number.POSITIVE_INFINITY;
  const seconds = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(head.value(i))?.[1];
  if (seconds === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(0, Number(seconds) * 1000 - EARLY_MS);
}

/** HOT: per exchange. Whether the sender of `head` keeps the connection (RFC 9112 section 9.3). */
export const keepsConnection = (head: Head): boolean =>
  head.minor > 0
    ? !hasToken(head, FIELD_CONNECTION, 'close')
    : hasToken(head, FIELD_CONNECTION, 'keep-alive');
