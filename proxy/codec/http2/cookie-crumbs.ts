/**
 * Cookie fields that HTTP/2 clients split for compression (RFC 9113 section 8.2.3) become the one
 * field that HTTP/1.1 knows: whoever reads the head finds one, and no writer need know of crumbs.
 */
import { FIELD_COOKIE } from '../../model/field.ts';
import { putBytes, putText } from '../http1/bytes.ts';
import { type FieldSection, MARK_NEVER_INDEXED } from './hpack/field-section.ts';

const NAME = 'cookie: ';
const SEPARATOR = '; ';

/** Joins the cookie fields of `section`, the one field standing last; other fields keep their order. */
export function joinCookies(section: FieldSection): void {
  const { count, pseudoCount } = section;
  // Rare, as clients that split cookies are: the lines are written anew from a copy.
  const lines = Buffer.from(section.bytes.subarray(section.regularStart, section.length));
  const moved = section.regularStart;
  const crumbs: (readonly [start: number, end: number])[] = [];
  let secret = false;
  section.dropRegular();
  for (let i = pseudoCount; i < count; i++) {
    const id = section.id(i);
    const start = section.nameStart(i) - moved;
    const value = section.valueStart(i) - moved;
    const end = section.valueEnd(i) - moved;
    const never = section.neverIndexed(i);
    if (id === FIELD_COOKIE) {
      if (end > value) crumbs.push([value, end]);
      secret ||= never;
      continue;
    }
    putBytes(section.bytes, section.length, lines, start, end + 2);
    section.add(id, value - 2 - start, end - value, never ? MARK_NEVER_INDEXED : 0);
  }
  let at = putText(section.bytes, section.length, NAME);
  const from = at;
  for (const [start, end] of crumbs) {
    if (at > from) at = putText(section.bytes, at, SEPARATOR);
    at = putBytes(section.bytes, at, lines, start, end);
  }
  putText(section.bytes, at, '\r\n');
  section.add(FIELD_COOKIE, NAME.length - 2, at - from, secret ? MARK_NEVER_INDEXED : 0);
}
