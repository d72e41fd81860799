/** Requests that the protocol of an upstream has no words for. */
import { isMethod } from '../codec/http1/request-target.ts';
import type { PortProtocol } from '../model/exchange.ts';
import { type Head, TUNNEL_UPGRADE } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';

const NO_SCHEME = new MeshError(
  'malformed-request',
  'downstream',
  'The request is for a scheme that HTTP/1.1 does not carry.',
);
const NO_UPGRADE = new MeshError(
  'tunnel-not-served',
  'upstream',
  'HTTP/2 carries upgrades of GET without a body only (RFC 8441).',
);

/**
 * Why `head`, with a body of `body` bytes, cannot be sent by `protocol`, or undefined when it can. An
 * HTTP/1.1 request names no scheme but in absolute-form, which servers ignore (RFC 9112 section 3.3):
 * one for another scheme than http and https would be answered as if it were for them. Extended CONNECT
 * has neither a method of its own nor a body.
 */
export function whyUnsayable(
  head: Head,
  body: number,
  protocol: PortProtocol,
): MeshError | undefined {
  if (protocol === 'http2') {
    const unsayable = head.tunnel === TUNNEL_UPGRADE && (body !== 0 || !isMethod(head, 'GET'));
    return unsayable ? NO_UPGRADE : undefined;
  }
  return head.scheme === 'http' || head.scheme === 'https' ? undefined : NO_SCHEME;
}
