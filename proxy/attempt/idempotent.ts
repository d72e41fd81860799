/** Methods whose requests may be sent twice (RFC 9110 section 9.2.2). */
import { isMethod } from '../codec/http1/request-target.ts';
import type { Head } from '../model/head.ts';

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'] as const;

/** HOT: per exchange. Whether doing what the request asks for twice does it once. */
export function isIdempotent(head: Head): boolean {
  for (const method of IDEMPOTENT) if (isMethod(head, method)) return true;
  return false;
}
