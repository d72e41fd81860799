/** The client connection preface (RFC 9113 section 3.4): what tells HTTP/2 from HTTP/1. */

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
