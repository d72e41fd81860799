/** How long the header list of a request is, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2). */
import { FIELD_HOST } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import { HOP_BY_HOP } from '../http1/hop-by-hop.ts';

/** What a field counts for beside its name and value. */
const FIELD_BYTES = 32;
/** The same less ": " and CRLF, which a line has in their place. */
const LINE_GROWTH_BYTES = FIELD_BYTES - 4;
const PSEUDO_BYTES = 4 * FIELD_BYTES + ':method:scheme:authority:path'.length;
/** More than all that a start line does not show: a scheme, an authority that stands for none. */
const START_GROWTH_BYTES = 512;

/**
 * Whether the request is above `bytesMax`. What `Connection` names is counted, though it does not go on,
 * and of a tunnel `:protocol` is not.
 */
// HOT: per exchange.
export function isListAbove(head: Head, bytesMax: number): boolean {
  const most = head.length + head.fieldCount * LINE_GROWTH_BYTES + START_GROWTH_BYTES;
  return most > bytesMax && listBytes(head) > bytesMax;
}

function listBytes(head: Head): number {
  const path = head.pathEnd - head.pathStart;
  const authority = head.authorityEnd - head.authorityStart;
  let bytes = PSEUDO_BYTES + head.methodEnd + head.scheme.length + authority + path;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = head.ids[i] ?? 0;
    if (HOP_BY_HOP[id] === 1 || id === FIELD_HOST) continue;
    bytes += head.nameEnd(i) - head.lineStart(i) + head.valueEnd(i) - head.valueStart(i);
    bytes += FIELD_BYTES;
  }
  return bytes;
}
