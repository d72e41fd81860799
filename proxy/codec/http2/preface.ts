/** The connection prefaces (RFC 9113 section 3.4): what tells HTTP/2 from all else. */
import { FRAME_HEADER_BYTES, FRAME_SETTINGS, uint31, uint32 } from './frame.ts';
import { SETTING_BYTES } from './settings.ts';

/** First octets of every HTTP/2 connection, from the client. */
export const CLIENT_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Whether bytes [start, end), the first of a connection, begin with the preface; "more" while they
 * are a part of it.
 */
export function matchPreface(bytes: Buffer, start: number, end: number): 'yes' | 'no' | 'more' {
  const length = Math.min(end - start, CLIENT_PREFACE.length);
  for (let i = 0; i < length; i++) if (bytes[start + i] !== CLIENT_PREFACE[i]) return 'no';
  return length === CLIENT_PREFACE.length ? 'yes' : 'more';
}

/**
 * Whether bytes [start, end), the first of a server, are its preface: a SETTINGS frame, no
 * acknowledgement, of whole settings. One cut within its header is not recognised.
 */
export function opensAsHttp2Server(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < FRAME_HEADER_BYTES) return false;
  const typed = uint32(bytes, start);
  const length = typed >>> 8;
  return (
    (typed & 0xff) === FRAME_SETTINGS &&
    bytes[start + 4] === 0 &&
    uint31(bytes, start + 5) === 0 &&
    length % SETTING_BYTES === 0
  );
}
