/** Field sections become heads (RFC 9113 sections 8.1 to 8.3). */
import type { Head } from '../../model/head.ts';
import type { FieldSection } from './hpack/field-section.ts';

/** Why a section is no head: a stream error PROTOCOL_ERROR, or an answer 501, 431, 414. */
export type HeadFault = 'malformed' | 'connect' | 'too-large' | 'target-too-long';

/** Lays the request out in `head`, whose bytes are those of the section. */
export function readRequestHead(_section: FieldSection, _head: Head): HeadFault | undefined {
  return 'malformed';
}

/** Lays the response out in `head`. */
export function readResponseHead(_section: FieldSection, _head: Head): HeadFault | undefined {
  return 'malformed';
}

/** Lays the trailers out in `head`. */
export function readTrailers(_section: FieldSection, _head: Head): HeadFault | undefined {
  return 'malformed';
}

/** The one value of Content-Length in bytes, -1 without one. */
export function contentLengthOf(_head: Head): number | 'malformed' {
  return -1;
}
