/**
 * Malformed and ambiguous HTTP/1.1 requests: what a sidecar must refuse (RFC 9110, RFC 9112;
 * statuses of the table in proxy/errors.ts). One character is one byte (latin1).
 *
 * Targets carry meaning for the witness upstream: `/bad` may never reach it at all; of a request to
 * `/body-fault` the head and the body before the fault may, the end of the message may not.
 * Whatever stands behind the fault holds the word SMUGGLED, which may never reach it either.
 */

export interface BadRequest {
  readonly name: string;
  /** Where the rule stands, in RFC 9112 unless another is named. */
  readonly section: string;
  readonly bytes: string;
  /** Statuses that are right; several where the specification leaves the choice. */
  readonly statuses: readonly number[];
}

const SMUGGLED = 'GET /SMUGGLED HTTP/1.1\r\nHost: web\r\n\r\n';
const KIB = 1024;

const bad = (name: string, section: string, bytes: string, ...statuses: number[]): BadRequest => ({
  name,
  section,
  bytes,
  statuses: statuses.length === 0 ? [400] : statuses,
});

/** `line` as the request line of an otherwise good request. */
const requestLine = (name: string, section: string, line: string, ...statuses: number[]) =>
  bad(name, section, `${line}\r\nHost: web\r\n\r\n${SMUGGLED}`, ...statuses);

/** `lines` (raw, each with its own line end) as a field of an otherwise good request. */
const field = (name: string, section: string, lines: string, ...statuses: number[]) =>
  bad(name, section, `GET /bad HTTP/1.1\r\nHost: web\r\n${lines}\r\n${SMUGGLED}`, ...statuses);

/** `lines` as the framing of a POST whose body is a whole chunked message and a smuggled request. */
const framing = (name: string, section: string, lines: string, ...statuses: number[]) =>
  bad(
    name,
    section,
    `POST /bad HTTP/1.1\r\nHost: web\r\n${lines}\r\n0\r\n\r\n${SMUGGLED}`,
    ...statuses,
  );

/** `lines` as the Host fields of a GET. */
const host = (name: string, lines: string) =>
  bad(name, '3.2', `GET /bad HTTP/1.1\r\n${lines}\r\n${SMUGGLED}`);

/** `body` as the chunked body of a POST with a good head. */
const chunked = (name: string, section: string, body: string, ...statuses: number[]) =>
  bad(
    name,
    section,
    `POST /body-fault HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n${body}` +
      `0\r\n\r\n${SMUGGLED}`,
    ...statuses,
  );

const REFUSED_CODING = [400, 501];

const requestLines: readonly BadRequest[] = [
  requestLine('two spaces before the target', '3', 'GET  /bad HTTP/1.1'),
  requestLine('two spaces before the version', '3', 'GET /bad  HTTP/1.1'),
  requestLine('tab between method and target', '3', 'GET\t/bad HTTP/1.1'),
  requestLine('tab before the version', '3', 'GET /bad\tHTTP/1.1'),
  requestLine('space after the version', '3', 'GET /bad HTTP/1.1 '),
  requestLine('space before the method', '3', ' GET /bad HTTP/1.1'),
  requestLine('no version (HTTP/0.9)', '3', 'GET /bad'),
  requestLine('no target', '3', 'GET HTTP/1.1'),
  requestLine('method only', '3', 'GET'),
  requestLine('four words', '3', 'GET /bad /SMUGGLED HTTP/1.1'),
  requestLine('method with a separator', '3.1', 'GE(T /bad HTTP/1.1'),
  requestLine('method with a control byte', '3.1', 'GE\x01T /bad HTTP/1.1'),
  requestLine('method with a colon', '3.1', 'GET: /bad HTTP/1.1'),
  requestLine('target without a leading slash', '3.2', 'GET bad HTTP/1.1'),
  requestLine('authority-form with GET', '3.2.3', 'GET web:80 HTTP/1.1'),
  requestLine('asterisk-form with GET', '3.2.4', 'GET * HTTP/1.1'),
  requestLine('target with NUL', '3.2', 'GET /bad\x00 HTTP/1.1'),
  requestLine('target with a control byte', '3.2', 'GET /bad\x1f HTTP/1.1'),
  requestLine('target with DEL', '3.2', 'GET /bad\x7f HTTP/1.1'),
  requestLine('target with a fragment', '3.2.1', 'GET /bad#SMUGGLED HTTP/1.1'),
  requestLine('absolute-form, https', '3.2.2', 'GET https://web/bad HTTP/1.1'),
  requestLine('absolute-form, ftp', '3.2.2', 'GET ftp://web/bad HTTP/1.1'),
  requestLine('absolute-form, no authority', 'RFC 9110 4.2.1', 'GET http:///bad HTTP/1.1'),
  requestLine('absolute-form, userinfo', 'RFC 9110 4.2.4', 'GET http://a:b@web/bad HTTP/1.1'),
  requestLine('CONNECT with a path', 'RFC 9110 9.3.6', 'CONNECT /bad HTTP/1.1'),
  requestLine('CONNECT in absolute-form', '3.2.3', 'CONNECT http://web:80/bad HTTP/1.1'),
  requestLine('CONNECT without a port', 'RFC 9110 9.3.6', 'CONNECT web HTTP/1.1'),
  requestLine('CONNECT with an empty port', 'RFC 9110 9.3.6', 'CONNECT web: HTTP/1.1'),
  requestLine('CONNECT with port 0', 'RFC 9110 9.3.6', 'CONNECT web:0 HTTP/1.1'),
  requestLine('CONNECT with userinfo', 'RFC 9110 4.2.4', 'CONNECT a@web:80 HTTP/1.1'),
  bad(
    'CONNECT with a length',
    'RFC 9110 9.3.6',
    `CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\nContent-Length: 3\r\n\r\nabc${SMUGGLED}`,
  ),
  bad(
    'CONNECT with chunks',
    'RFC 9110 9.3.6',
    `CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ),
  requestLine('HTTP/2.0', 'RFC 9110 2.5', 'GET /bad HTTP/2.0', 505),
  requestLine('HTTP/3.0', 'RFC 9110 2.5', 'GET /bad HTTP/3.0', 505),
  requestLine('HTTP/0.9 by name', 'RFC 9110 2.5', 'GET /bad HTTP/0.9', 505),
  requestLine('version in lower case', '2.3', 'GET /bad http/1.1'),
  requestLine('version with two minor digits', '2.3', 'GET /bad HTTP/1.10'),
  requestLine('version with leading zero', '2.3', 'GET /bad HTTP/01.1'),
  requestLine('version without minor', '2.3', 'GET /bad HTTP/1'),
  requestLine('version with a letter', '2.3', 'GET /bad HTTP/1.x'),
  requestLine('version with a comma', '2.3', 'GET /bad HTTP/1,1'),
  requestLine('another protocol', '2.3', 'GET /bad HTTPS/1.1'),
  requestLine('target of 17 KiB', '3', `GET /bad${'a'.repeat(17 * KIB)} HTTP/1.1`, 414),
  bad('request line without end, 80 KiB', '3', `GET /bad${'a'.repeat(80 * KIB)}`, 414, 431),
];

const lineEnds: readonly BadRequest[] = [
  bad('bare LF after the request line', '2.2', `GET /bad HTTP/1.1\nHost: web\r\n\r\n${SMUGGLED}`),
  bad('bare LF after a field', '2.2', `GET /bad HTTP/1.1\r\nHost: web\n\r\n${SMUGGLED}`),
  bad('bare LF as the end of the head', '2.2', `GET /bad HTTP/1.1\r\nHost: web\r\n\n${SMUGGLED}`),
  bad('bare LF everywhere', '2.2', 'GET /bad HTTP/1.1\nHost: web\n\nGET /SMUGGLED HTTP/1.1\n\n'),
  bad('bare CR after the request line', '2.2', `GET /bad HTTP/1.1\rHost: web\r\n\r\n${SMUGGLED}`),
  bad('bare LF before the request line', '2.2', '\nGET /bad HTTP/1.1\r\nHost: web\r\n\r\n'),
  bad('bare CR before the request line', '2.2', '\rGET /bad HTTP/1.1\r\nHost: web\r\n\r\n'),
  field('bare CR in a value', '2.2', 'X-A: b\rSMUGGLED: c\r\n'),
  field('bare CR before CRLF', '2.2', 'X-A: b\r\r\n'),
  field('bare LF in a value', '2.2', 'X-A: b\nSMUGGLED: c\r\n'),
  field('bare CR as a line', '2.2', '\rX-A: b\r\n'),
];

const fields: readonly BadRequest[] = [
  bad(
    'space before the first field',
    '2.2',
    `GET /bad HTTP/1.1\r\n Host: web\r\nHost: web\r\n\r\n${SMUGGLED}`,
  ),
  field('obs-fold with a space', '5.2', 'X-A: b\r\n c\r\n'),
  field('obs-fold with a tab', '5.2', 'X-A: b\r\n\tc\r\n'),
  field('obs-fold of an empty value', '5.2', 'X-A:\r\n b\r\n'),
  field('space before the colon', '5.1', 'X-A : b\r\n'),
  field('tab before the colon', '5.1', 'X-A\t: b\r\n'),
  field('space in a name', '5.1', 'X A: b\r\n'),
  field('empty name', '5.1', ': b\r\n'),
  field('no colon', '5.1', 'X-A\r\n'),
  field('name with a separator', '5.1', 'X(A): b\r\n'),
  field('name in quotes', '5.1', '"X-A": b\r\n'),
  field('name with NUL', '5.1', 'X\x00A: b\r\n'),
  field('name with obs-text', '5.1', 'X\xe9: b\r\n'),
  field('value with NUL', 'RFC 9110 5.5', 'X-A: b\x00c\r\n'),
  field('value with a control byte', 'RFC 9110 5.5', 'X-A: b\x07c\r\n'),
  field('value with ESC', 'RFC 9110 5.5', 'X-A: \x1b[2J\r\n'),
  field('value with DEL', 'RFC 9110 5.5', 'X-A: b\x7f\r\n'),
  field('head over 64 KiB in one field', '3', `X-A: ${'b'.repeat(66 * KIB)}\r\n`, 431),
  field('head over 64 KiB in many fields', '3', `X-A: ${'b'.repeat(700)}\r\n`.repeat(100), 431),
  field('300 fields', '3', 'X-A: b\r\n'.repeat(300), 431),
];

const hosts: readonly BadRequest[] = [
  host('no Host', ''),
  host('two Hosts that differ', 'Host: web\r\nHost: SMUGGLED\r\n'),
  host('two Hosts that agree', 'Host: web\r\nHost: web\r\n'),
  host('Host with a space', 'Host: web SMUGGLED\r\n'),
  host('Host with a slash', 'Host: web/SMUGGLED\r\n'),
  host('Host with userinfo', 'Host: user@web\r\n'),
  host('Host as a list', 'Host: web, SMUGGLED\r\n'),
  host('Host with a port that is no number', 'Host: web:80a\r\n'),
  host('Host with an open bracket', 'Host: [::1\r\n'),
];

const lengths: readonly BadRequest[] = [
  framing('CL.TE', '6.1', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'),
  framing('TE.CL', '6.1', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'),
  framing(
    'CL.TE, unknown coding',
    '6.1',
    'Content-Length: 5\r\nTransfer-Encoding: x\r\n',
    400,
    501,
  ),
  framing('CL.TE, length 0', '6.1', 'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n'),
  framing('0.CL, two lengths', '6.3', 'Content-Length: 0\r\nContent-Length: 41\r\n'),
  framing('CL.0, two lengths', '6.3', 'Content-Length: 41\r\nContent-Length: 0\r\n'),
  framing('0.CL, space before the colon', '5.1', 'Content-Length : 41\r\n'),
  framing('0.CL, NUL before the colon', '5.1', 'Content-Length\x00: 41\r\n'),
  framing('0.CL, folded length', '5.2', 'Content-Length:\r\n 41\r\n'),
  framing('lengths as a list that differ', '6.3', 'Content-Length: 5, 6\r\n'),
  framing('length with plus', '6.2', 'Content-Length: +5\r\n'),
  framing('length with minus', '6.2', 'Content-Length: -1\r\n'),
  framing('length in hex', '6.2', 'Content-Length: 0x5\r\n'),
  framing('length with a hex digit', '6.2', 'Content-Length: 5a\r\n'),
  framing('length with a point', '6.2', 'Content-Length: 5.0\r\n'),
  framing('length with an exponent', '6.2', 'Content-Length: 1e1\r\n'),
  framing('length with a space inside', '6.2', 'Content-Length: 4 1\r\n'),
  framing('length with an underscore', '6.2', 'Content-Length: 4_1\r\n'),
  framing('length in other digits', '6.2', 'Content-Length: \xd9\xa5\r\n'),
  framing('length with a vertical tab', '6.2', 'Content-Length: \x0b5\r\n'),
  framing('length empty', '6.2', 'Content-Length: \r\n'),
  framing('length over 2^64', '6.2', 'Content-Length: 18446744073709551621\r\n'),
  framing('length of 40 digits', '6.2', `Content-Length: ${'9'.repeat(40)}\r\n`),
];

const codings: readonly BadRequest[] = [
  framing('unknown coding', '6.1', 'Transfer-Encoding: gzip\r\n', 501),
  framing('coding that only ends in chunked', '6.1', 'Transfer-Encoding: xchunked\r\n', 501),
  framing('gzip, chunked', '6.1', 'Transfer-Encoding: gzip, chunked\r\n', 501),
  framing('chunked not last', '6.3', 'Transfer-Encoding: chunked, gzip\r\n', ...REFUSED_CODING),
  framing('chunked twice', '6.1', 'Transfer-Encoding: chunked, chunked\r\n', ...REFUSED_CODING),
  framing('identity', '6.1', 'Transfer-Encoding: identity\r\n', ...REFUSED_CODING),
  framing('identity, chunked', '6.1', 'Transfer-Encoding: identity, chunked\r\n', 400, 501),
  framing('chunked, identity', '6.1', 'Transfer-Encoding: chunked, identity\r\n', 400, 501),
  framing('chunked with a parameter', '6.1', 'Transfer-Encoding: chunked;q=1\r\n', 400, 501),
  framing('chunked in quotes', '6.1', 'Transfer-Encoding: "chunked"\r\n', ...REFUSED_CODING),
  framing('empty coding', '6.1', 'Transfer-Encoding:\r\n', ...REFUSED_CODING),
  framing('chunked and a word', '6.1', 'Transfer-Encoding: chunked x\r\n', ...REFUSED_CODING),
  framing(
    'TE.TE, a second coding that is unknown',
    '6.1',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n',
    ...REFUSED_CODING,
  ),
  framing(
    'TE.TE, a first coding that is unknown',
    '6.1',
    'Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n',
    ...REFUSED_CODING,
  ),
  framing(
    'TE.TE, chunked in two lines',
    '6.1',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    ...REFUSED_CODING,
  ),
  framing('TE.TE, space before the colon', '5.1', 'Transfer-Encoding : chunked\r\n'),
  framing('TE.TE, space before the name', '5.2', ' Transfer-Encoding: chunked\r\n'),
  framing('TE.TE, folded', '5.2', 'Transfer-Encoding:\r\n chunked\r\n'),
  framing('TE.TE, vertical tab', 'RFC 9110 5.5', 'Transfer-Encoding: \x0bchunked\r\n'),
  framing('TE.TE, NUL after', 'RFC 9110 5.5', 'Transfer-Encoding: chunked\x00\r\n'),
  framing('TE.TE, behind a bare LF', '2.2', 'X-A: b\nTransfer-Encoding: chunked\r\n'),
  framing('TE.TE, behind a bare CR', '2.2', 'X-A: b\rTransfer-Encoding: chunked\r\n'),
  framing('TE.TE, non-breaking space', '6.1', 'Transfer-Encoding: \xa0chunked\r\n', 400, 501),
  bad(
    'HTTP/1.0 with Transfer-Encoding',
    '6.1',
    `POST /bad HTTP/1.0\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ),
];

const bodies: readonly BadRequest[] = [
  chunked('chunk size with 0x', '7.1', '0x5\r\nhello\r\n'),
  chunked('chunk size with plus', '7.1', '+5\r\nhello\r\n'),
  chunked('chunk size with minus', '7.1', '-5\r\nhello\r\n'),
  chunked('chunk size empty', '7.1', '\r\nhello\r\n'),
  chunked('chunk size with a space before', '7.1', ' 5\r\nhello\r\n'),
  chunked('chunk size with a space after', '7.1', '5 \r\nhello\r\n'),
  chunked('chunk size with a tab', '7.1', '5\t\r\nhello\r\n'),
  chunked('chunk size not hex', '7.1', 'g\r\nhello\r\n'),
  chunked('chunk size with an underscore', '7.1', '0_5\r\nhello\r\n'),
  chunked('chunk size over 2^64', '7.1', '10000000000000005\r\nhello\r\n'),
  chunked('chunk size of 60 digits', '7.1', `${'f'.repeat(60)}\r\nhello\r\n`),
  chunked('chunk size in a later chunk', '7.1', '5\r\nhello\r\nx\r\nSMUGGLED\r\n'),
  chunked('bare LF after the chunk size', '7.1', '5\nhello\r\n'),
  chunked('bare CR after the chunk size', '7.1', '5\rhello\r\n'),
  chunked('NUL in the chunk size', '7.1', '5\x00\r\nhello\r\n'),
  chunked('bare LF in a chunk extension', '7.1.1', '5;a\nSMUGGLED\r\nhello\r\n'),
  chunked('bare CR in a chunk extension', '7.1.1', '5;a\rb\r\nhello\r\n'),
  chunked('bare CR in a quoted chunk extension', '7.1.1', '5;a="\r"\r\nhello\r\n'),
  chunked('bare LF in a quoted chunk extension', '7.1.1', '5;a="\n"\r\nhello\r\n'),
  chunked('CRLF in a quoted chunk extension', '7.1.1', '5;a="\r\nhello"\r\n0\r\n\r\n'),
  chunked('chunk extension without a name', '7.1.1', '5;=b\r\nhello\r\n'),
  chunked('chunk extension with a control byte', '7.1.1', '5;a=\x01\r\nhello\r\n'),
  chunked('chunk extensions over the limit', '7.1.1', `5;a=${'b'.repeat(80 * KIB)}\r\nhello\r\n`),
  chunked('no CRLF after the chunk', '7.1', '5\r\nhello0\r\n\r\n'),
  chunked('LF for CRLF after the chunk', '7.1', '5\r\nhello\n'),
  chunked('CR for CRLF after the chunk', '7.1', '5\r\nhello\r'),
  chunked('chunk longer than its size', '7.1', '5\r\nhello SMUGGLED\r\n'),
  chunked('chunk shorter than its size', '7.1', '7\r\nhello\r\n'),
  chunked('trailer with a space before the colon', '7.1.2', '0\r\nX-A : b\r\n\r\n'),
  chunked('trailer without a colon', '7.1.2', '0\r\nX-A\r\n\r\n'),
  chunked('trailer with an empty name', '7.1.2', '0\r\n: b\r\n\r\n'),
  chunked('trailer with NUL', '7.1.2', '0\r\nX-A: \x00\r\n\r\n'),
  chunked('trailer with a bare LF', '7.1.2', '0\r\nX-A: b\n\r\n'),
  chunked('trailer folded', '7.1.2', '0\r\nX-A: b\r\n c\r\n\r\n'),
  chunked('bare LF as the end of the trailers', '7.1.2', '0\r\n\n'),
  chunked('bare LF after the last chunk', '7.1', '0\n\r\n'),
  ...[
    'Content-Length: 7',
    'Transfer-Encoding: chunked',
    'Host: SMUGGLED',
    'Connection: x',
    'Keep-Alive: 5',
    'Upgrade: h2c',
  ].map((line) =>
    chunked(`trailer that frames or routes, ${line}`, 'RFC 9110 6.5.1', `0\r\n${line}\r\n\r\n`),
  ),
  chunked(
    'trailers over 64 KiB',
    '7.1.2',
    `0\r\n${`X-A: ${'b'.repeat(700)}\r\n`.repeat(100)}\r\n`,
    400,
    431,
  ),
];

export const BAD_REQUESTS: readonly BadRequest[] = [
  ...requestLines,
  ...lineEnds,
  ...fields,
  ...hosts,
  ...lengths,
  ...codings,
  ...bodies,
];
