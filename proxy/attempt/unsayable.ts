/** Requests that the protocol of an upstream has no words for. */
import type { Protocol } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';

const UNSAYABLE = new MeshError(
  'malformed-request',
  'downstream',
  'The request is for a scheme that HTTP/1.1 does not carry.',
);

/**
 * Why `head` cannot be sent by `protocol`, or undefined when it can. An HTTP/1.1 request names no
 * scheme but in absolute-form, which servers ignore (RFC 9112 section 3.3): one for another scheme
 * than http and https would be answered as if it were for them.
 */
export function whyUnsayable({ scheme }: Head, protocol: Protocol): MeshError | undefined {
  if (protocol === 'http2' || scheme === 'http' || scheme === 'https') return undefined;
  return UNSAYABLE;
}
