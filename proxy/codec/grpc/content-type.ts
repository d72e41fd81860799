/** Which messages are gRPC's, by their Content-Type (gRPC over HTTP2, "Requests"). */
import { FIELD_CONTENT_TYPE } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';

/** "application/grpc", alone or with a codec behind it ("+proto"), and its kin ("-web"). */
const PREFIX = [...Buffer.from('application/grpc', 'latin1')];

/** HOT: per exchange. Whether the head's Content-Type begins with application/grpc, in any case. */
export function isGrpc(head: Head): boolean {
  const type = head.find(FIELD_CONTENT_TYPE);
  if (type === -1) return false;
  const from = head.valueStart(type);
  if (head.valueEnd(type) - from < PREFIX.length) return false;
  const { bytes } = head;
  const at = head.start + from;
  // 0x20 folds letters; "/" has the bit set, and what it folds onto "/" (0x0f) is in no value.
  for (let i = 0; i < PREFIX.length; i++)
    if (((bytes[at + i] ?? 0) | 0x20) !== PREFIX[i]) return false;
  return true;
}
