/** The Keep-Alive field of HTTP/1 servers: how long they keep an idle connection. */
import { FIELD_KEEP_ALIVE } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';

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
