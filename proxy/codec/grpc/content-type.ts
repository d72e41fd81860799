/** Which messages are gRPC's, by their Content-Type (gRPC over HTTP2, "Requests"). */
import { FIELD_CONTENT_TYPE } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';

/** "application/grpc", alone or with a codec behind it ("+proto"), and its kin ("-web"). */
const PREFIX = [...Buffer.from('application/grpc', 'latin1')];
const HYPHEN = 0x2d;
const NOTHING = -1;
const END = 0;

/** HOT: per exchange. Whether the head's Content-Type begins with application/grpc, in any case. */
export const isGrpc = (head: Head): boolean => byteBehindPrefix(head) !== NOTHING;

/**
 * Whether the message is gRPC itself, whose status is a field of its head or trailers; gRPC-Web has
 * it in the body.
 */
// HOT: per exchange.
export function hasStatusField(head: Head): boolean {
  const behind = byteBehindPrefix(head);
  return behind !== NOTHING && behind !== HYPHEN;
}

/** NOTHING where there is no such prefix. */
function byteBehindPrefix(head: Head): number {
  const type = head.find(FIELD_CONTENT_TYPE);
  if (type === -1) return NOTHING;
  const from = head.valueStart(type);
  const length = head.valueEnd(type) - from;
  if (length < PREFIX.length) return NOTHING;
  const { bytes } = head;
  const at = head.start + from;
  // 0x20 folds letters; "/" has the bit set, and what it folds onto "/" (0x0f) is in no value.
  for (let i = 0; i < PREFIX.length; i++)
    if (((bytes[at + i] ?? 0) | 0x20) !== PREFIX[i]) return NOTHING;
  return length === PREFIX.length ? END : (bytes[at + PREFIX.length] ?? END);
}
