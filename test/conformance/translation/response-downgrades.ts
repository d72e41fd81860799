/** Answers in HTTP/2 that would be another one, or several, in HTTP/1.1. */
import {
  block,
  data,
  END_STREAM,
  headers,
  lastHeaders,
  statusBlock,
  type WireField,
} from '../../support/http2-wire.ts';
import { BODY, EXCESS, HEAD, type Http2Vector, SMUGGLED } from './case.ts';

const RESPONSE = `HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n${SMUGGLED}`;

const vector = (
  name: string,
  section: string,
  fault: Http2Vector['fault'],
  ...frames: readonly Buffer[]
): Http2Vector => ({ name, section, frames, fault, status: undefined });

/** An answer of these fields, with a body that would be an answer. */
const answer = (name: string, section: string, ...fields: readonly WireField[]): Http2Vector =>
  vector(name, section, HEAD, headers(1, block(...fields)), data(1, RESPONSE, END_STREAM));
const OK: WireField = [':status', '200'];

const heads: readonly Http2Vector[] = [
  answer('CR in a value', '8.2.1', OK, ['x', `a\r${SMUGGLED}: b`]),
  answer('LF in a value', '8.2.1', OK, ['x', `a\n${SMUGGLED}: b`]),
  answer('a whole answer in a value', '8.2.1', OK, ['location', `/\r\n\r\n${RESPONSE}`]),
  answer('NUL in a value', '8.2.1', OK, ['x', 'a\0']),
  answer('a blank behind a value', '8.2.1', OK, ['x', 'a ']),
  answer('a line of its own in a name', '8.2.1', OK, ['x: a\r\ntransfer-encoding', 'chunked']),
  answer('a colon in a name', '8.2.1', OK, ['x:y', 'b']),
  answer('upper case in a name', '8.2', OK, ['Content-Length', '5']),
  answer('an empty name', '8.2.1', OK, ['', 'b']),
  answer('a status with a reason', '8.3.2', [':status', '200 OK']),
  answer('a status with a line', '8.3.2', [':status', `200\r\nx: ${SMUGGLED}`]),
  answer('a status of two digits', '8.3.2', [':status', '20']),
  answer('a status below 100', '8.3.2', [':status', '099']),
  answer('two statuses', '8.3.2', OK, [':status', '204']),
  answer('no status', '8.3.2', ['x', 'y']),
  answer('101, as of an upgrade', '8.6', [':status', '101']),
  answer('a pseudo-field of requests', '8.3', OK, [':path', '/']),
  answer('a transfer-coding', '8.2.2', OK, ['transfer-encoding', 'chunked']),
  answer(
    'a transfer-coding beside a length',
    '8.2.2',
    OK,
    ['content-length', '5'],
    ['transfer-encoding', 'chunked'],
  ),
  answer('Connection', '8.2.2', OK, ['connection', 'close']),
  answer('Keep-Alive', '8.2.2', OK, ['keep-alive', 'timeout=5']),
  answer('Upgrade', '8.2.2', OK, ['upgrade', 'h2c']),
  answer('two lengths that differ', '8.1.1', OK, ['content-length', '5'], ['content-length', '6']),
  answer('two lengths as a list', '8.1.1', OK, ['content-length', '5, 5']),
  answer('a length with a sign', '8.1.1', OK, ['content-length', '+5']),
  vector(
    'a length and no body',
    '8.1.1',
    HEAD,
    lastHeaders(1, statusBlock(200, ['content-length', '5'])),
  ),
  vector(
    'an interim answer that ends the stream',
    '8.1',
    HEAD,
    lastHeaders(1, statusBlock(103, ['x', 'y'])),
  ),
  vector('a body without a head', '8.1', HEAD, data(1, RESPONSE, END_STREAM)),
];

const begun = (...more: readonly WireField[]): Buffer => headers(1, statusBlock(200, ...more));
const trailer = (name: string, section: string, wrong: WireField): Http2Vector =>
  vector(
    name,
    section,
    BODY,
    begun(),
    data(1, 'good'),
    lastHeaders(1, block(['x-good', 'y'], wrong)),
  );

const bodies: readonly Http2Vector[] = [
  vector(
    'a body above its length',
    '8.1.1',
    EXCESS,
    begun(['content-length', '5']),
    data(1, `01234${RESPONSE}`, END_STREAM),
  ),
  vector(
    'a body below its length',
    '8.1.1',
    BODY,
    begun(['content-length', '50']),
    data(1, '01234', END_STREAM),
  ),
  vector(
    'trailers before the length',
    '8.1.1',
    BODY,
    begun(['content-length', '50']),
    data(1, '01234'),
    lastHeaders(1, block(['x', 'y'])),
  ),
  vector('a second head', '8.1', BODY, begun(), data(1, 'good'), begun(['x', SMUGGLED])),
  trailer('a length in trailers', 'RFC 9110 6.5.1', ['content-length', '5']),
  trailer('a coding in trailers', '8.2.2', ['transfer-encoding', 'chunked']),
  trailer('a status in trailers', '8.1', [':status', '200']),
  trailer('a whole answer in a trailer', '8.2.1', ['x', `a\r\n\r\n${RESPONSE}`]),
  trailer('a line of its own in the name of a trailer', '8.2.1', [`x: a\r\n\r\n${SMUGGLED}`, 'b']),
];

/** Every vector; names are distinct. */
export const RESPONSE_DOWNGRADES: readonly Http2Vector[] = [...heads, ...bodies];
