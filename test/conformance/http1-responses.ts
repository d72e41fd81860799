/**
 * Malformed HTTP/1.1 responses of an upstream. A fault in the head gives the client 502; a fault in
 * the body, after the head has left, gives it a cut connection and never an answer that looks whole
 * (RFC 9112; contract of the error table). One character is one byte (latin1).
 */

export interface BadResponse {
  readonly name: string;
  /** Where the rule stands, in RFC 9112 unless another is named. */
  readonly section: string;
  readonly bytes: string;
  /** The upstream ends the connection behind `bytes`. */
  readonly thenEnds: boolean;
}

/** A response whose body goes wrong once `good` has reached the client. */
export interface BadResponseBody {
  readonly name: string;
  readonly section: string;
  /** Head and a good part of the body, holding the word `start`. */
  readonly good: string;
  readonly fault: string;
  readonly thenEnds: boolean;
}

const KIB = 1024;
const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON';

const bad = (name: string, section: string, bytes: string, thenEnds = false): BadResponse => ({
  name,
  section,
  bytes,
  thenEnds,
});

const statusLine = (name: string, section: string, line: string) =>
  bad(name, section, `${line}\r\nContent-Length: 2\r\n\r\nok`);

const field = (name: string, section: string, lines: string) =>
  bad(name, section, `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${lines}\r\nok`);

const framing = (name: string, section: string, lines: string) =>
  bad(name, section, `HTTP/1.1 200 OK\r\n${lines}\r\n2\r\nok\r\n0\r\n\r\n${POISON}`);

export const BAD_RESPONSES: readonly BadResponse[] = [
  statusLine('HTTP/2.0', '4', 'HTTP/2.0 200 OK'),
  statusLine('HTTP/0.9', '4', 'HTTP/0.9 200 OK'),
  statusLine('lower-case version', '2.3', 'http/1.1 200 OK'),
  statusLine('another protocol', '2.3', 'ICY 200 OK'),
  statusLine('no version', '4', '200 OK'),
  statusLine('version with two minor digits', '2.3', 'HTTP/1.10 200 OK'),
  statusLine('no space before the status', '4', 'HTTP/1.1200 OK'),
  statusLine('two spaces before the status', '4', 'HTTP/1.1  200 OK'),
  statusLine('tab before the status', '4', 'HTTP/1.1\t200 OK'),
  statusLine('status of two digits', '4', 'HTTP/1.1 20 OK'),
  statusLine('status of four digits', '4', 'HTTP/1.1 2000 OK'),
  statusLine('status with a letter', '4', 'HTTP/1.1 2x0 OK'),
  statusLine('status with a sign', '4', 'HTTP/1.1 +20 OK'),
  statusLine('status under 100', '4', 'HTTP/1.1 099 OK'),
  statusLine('reason with NUL', '4', 'HTTP/1.1 200 O\x00K'),
  statusLine('reason with a bare CR', '4', 'HTTP/1.1 200 O\rK'),
  bad('empty line before the status line', '4', `\r\n${POISON}`),
  bad('NUL before the status line', '4', `\x00${POISON}`),
  bad('garbage before the status line', '4', `garbage\r\n${POISON}`),
  bad('not HTTP at all', '4', 'SSH-2.0-OpenSSH_9.2\r\n'),
  bad('bare LF after the status line', '2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok'),
  bad('bare LF after a field', '2.2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok'),
  bad('bare LF as the end of the head', '2.2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok'),
  bad('bare LF everywhere', '2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'),
  bad(
    'space before the first field',
    '2.2',
    'HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 0\r\n\r\n',
  ),
  field('bare CR in a value', '2.2', 'X-A: b\rX-B: c\r\n'),
  field('obs-fold', '5.2', 'X-A: b\r\n c\r\n'),
  field('space before the colon', '5.1', 'X-A : b\r\n'),
  field('empty name', '5.1', ': b\r\n'),
  field('space in a name', '5.1', 'X A: b\r\n'),
  field('no colon', '5.1', 'X-A\r\n'),
  field('value with NUL', 'RFC 9110 5.5', 'X-A: \x00\r\n'),
  field('value with a control byte', 'RFC 9110 5.5', 'X-A: \x07\r\n'),
  field('head over 64 KiB', '4', `X-A: ${'b'.repeat(66 * KIB)}\r\n`),
  field('300 fields', '4', 'X-A: b\r\n'.repeat(300)),
  bad('status line without end, 80 KiB', '4', `HTTP/1.1 200 ${'O'.repeat(80 * KIB)}`),
  framing('CL and TE', '6.3', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'),
  framing('TE and CL', '6.3', 'Transfer-Encoding: chunked\r\nContent-Length: 2\r\n'),
  framing('unknown coding', '6.1', 'Transfer-Encoding: gzip\r\n'),
  framing('gzip, chunked', '6.1', 'Transfer-Encoding: gzip, chunked\r\n'),
  framing('chunked, gzip', '6.1', 'Transfer-Encoding: chunked, gzip\r\n'),
  framing('chunked twice', '6.1', 'Transfer-Encoding: chunked, chunked\r\n'),
  framing('coding that only ends in chunked', '6.1', 'Transfer-Encoding: xchunked\r\n'),
  framing('empty coding', '6.1', 'Transfer-Encoding:\r\n'),
  framing('two lengths that differ', '6.3', 'Content-Length: 2\r\nContent-Length: 12\r\n'),
  framing('lengths as a list that differ', '6.3', 'Content-Length: 2, 12\r\n'),
  framing('length with plus', '6.2', 'Content-Length: +2\r\n'),
  framing('length with minus', '6.2', 'Content-Length: -2\r\n'),
  framing('length in hex', '6.2', 'Content-Length: 0x2\r\n'),
  framing('length empty', '6.2', 'Content-Length:\r\n'),
  framing('length over 2^64', '6.2', 'Content-Length: 18446744073709551618\r\n'),
  bad(
    'HTTP/1.0 with Transfer-Encoding',
    '6.1',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  ),
  bad('101 without an upgrade', '7.8', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'),
  bad('end inside the status line', '8', 'HTTP/1.1 20', true),
  bad('end inside a field', '8', 'HTTP/1.1 200 OK\r\nContent-Le', true),
  bad('end before the empty line', '8', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n', true),
  bad('end after an interim response', '8', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', true),
];

const chunkedStart = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n';

const body = (
  name: string,
  section: string,
  fault: string,
  thenEnds = false,
  good = chunkedStart,
): BadResponseBody => ({ name, section, good, fault, thenEnds });

export const BAD_RESPONSE_BODIES: readonly BadResponseBody[] = [
  body('chunk size not hex', '7.1', 'x\r\nmore\r\n0\r\n\r\n'),
  body('chunk size with 0x', '7.1', '0x4\r\nmore\r\n0\r\n\r\n'),
  body('chunk size with minus', '7.1', '-4\r\nmore\r\n0\r\n\r\n'),
  body('chunk size empty', '7.1', '\r\nmore\r\n0\r\n\r\n'),
  body('chunk size over 2^64', '7.1', '10000000000000004\r\nmore\r\n0\r\n\r\n'),
  body('bare LF after the chunk size', '7.1', '4\nmore\r\n0\r\n\r\n'),
  body('bare LF in a chunk extension', '7.1.1', '4;a\nb\r\nmore\r\n0\r\n\r\n'),
  body('no CRLF after the chunk', '7.1', '4\r\nmore0\r\n\r\n'),
  body('chunk longer than its size', '7.1', '4\r\nmore and more\r\n0\r\n\r\n'),
  body('trailer without a colon', '7.1.2', '0\r\nX-A\r\n\r\n'),
  body('trailer with NUL', '7.1.2', '0\r\nX-A: \x00\r\n\r\n'),
  body('bare LF after the last chunk', '7.1', '0\n\r\n'),
  body('trailer with a length', 'RFC 9110 6.5.1', '0\r\nContent-Length: 5\r\n\r\n'),
  body('trailer with a coding', 'RFC 9110 6.5.1', '0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  body('trailer with Connection', 'RFC 9110 6.5.1', '0\r\nConnection: close\r\n\r\n'),
  body('end between chunks', '8', '', true),
  body('end inside a chunk', '8', '9\r\nmor', true),
  body('end before the end of the trailers', '8', '0\r\nX-A: b\r\n', true),
  body(
    'end before the length',
    '8',
    'mor',
    true,
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nstart',
  ),
];
