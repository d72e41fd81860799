/**
 * What an attempt speaks: what its endpoint does, or else what its request came in; or HTTP/2 for a
 * request of HTTP/1 that rides it to the sidecar at the endpoint
 * (docs/decisions/011-http1-on-http2-between-sidecars.md).
 */
import { limits } from '../limits.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Protocol } from '../model/exchange.ts';
import { type Head, ORIG_PROTO_HTTP1, ORIG_PROTO_NONE, TUNNEL_NONE } from '../model/head.ts';

/**
 * SETTINGS_MAX_HEADER_LIST_SIZE counts 32 bytes a field (RFC 9113 section 6.5.2), where HTTP/1.1 has
 * four. So much more may a head come to, with pseudo-fields and culvert-orig-proto.
 */
const FIELD_GROWTH_BYTES = 32;
const HEAD_GROWTH_BYTES = 1024;

/**
 * The protocol of an attempt at `endpoint`, where `http1Transport` is the destination's. `head`, the
 * exchange's own, says from then on whether it rides.
 */
// HOT: per exchange.
export function attemptProtocol(
  http1Transport: Protocol | undefined,
  endpoint: Endpoint,
  cameBy: Protocol,
  head: Head,
): Protocol {
  const spoken = endpoint.protocol ?? cameBy;
  const rides =
    endpoint.meshed &&
    http1Transport === 'http2' &&
    spoken === 'http1' &&
    cameBy === 'http1' &&
    mayRide(head);
  head.origProto = rides ? ORIG_PROTO_HTTP1 : ORIG_PROTO_NONE;
  return rides ? 'http2' : spoken;
}

function mayRide(head: Head): boolean {
  const { fieldCount, length } = head;
  if (length + fieldCount * FIELD_GROWTH_BYTES + HEAD_GROWTH_BYTES > limits.headBytesMax)
    return false;
  if (fieldCount >= limits.fieldCountMax) return false;
  // An upgrade of a connection needs one of its own.
  return head.tunnel === TUNNEL_NONE;
}
