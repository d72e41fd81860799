/** The sidecar as a client: what a response may be (RFC 9113 section 8). */
import {
  block,
  data,
  END_STREAM,
  headers,
  lastHeaders,
  longHeaders,
  statusBlock,
  type WireField,
} from '../../support/http2-wire.ts';
import { client, fails, MALFORMED, OK, type Expected, type Http2Case } from './case.ts';

const HEAD = headers(1, statusBlock(200));
const body = (text: string): Buffer => data(1, text, END_STREAM);
/** An answer of exactly these fields. */
const response = (...fields: readonly WireField[]): Buffer => lastHeaders(1, block(...fields));
const bad = (section: string, name: string, ...fields: readonly WireField[]): Http2Case =>
  client(section, name, [response(...fields)], MALFORMED);
/** An answer that is malformed by one more field. */
const badField = (section: string, name: string, field: WireField): Http2Case =>
  bad(section, name, [':status', '200'], field);
const status = (code: number): Expected => ({ accepted: [code] });
const STATUS: WireField = [':status', '200'];

const framing: readonly Http2Case[] = [
  client('8.1', 'a head alone', [lastHeaders(1, statusBlock(200))], OK),
  client('8.1', 'a head and a body', [HEAD, body('ok')], OK),
  client('8.1', 'a body in pieces', [HEAD, data(1, 'o'), data(1), data(1, 'k'), body('')], OK),
  client('8.1', 'trailers', [HEAD, data(1, 'ok'), lastHeaders(1, block(['x-sum', '1']))], OK, {
    forwarded: { 'x-sum': '1' },
  }),
  client(
    '8.1',
    'trailers right behind the head',
    [HEAD, lastHeaders(1, block(['x-sum', '1']))],
    OK,
  ),
  client('8.1', 'an interim head', [headers(1, statusBlock(100)), HEAD, body('ok')], OK),
  client(
    '8.1',
    'several interim heads',
    [
      headers(1, statusBlock(103, ['link', '</a>'])),
      headers(1, statusBlock(103)),
      HEAD,
      body('ok'),
    ],
    OK,
  ),
  client(
    '8.1',
    'an interim head that ends the stream',
    [lastHeaders(1, statusBlock(100))],
    MALFORMED,
  ),
  client(
    '8.1',
    'DATA behind an interim head',
    [headers(1, statusBlock(103)), data(1, 'x')],
    MALFORMED,
  ),
  client('8.1', 'DATA before the head', [data(1, 'x')], fails('PROTOCOL_ERROR')),
  client('8.1', 'the last DATA before the head', [body('x')], fails('PROTOCOL_ERROR')),
  client(
    '8.1',
    'trailers that do not end the stream',
    [HEAD, data(1, 'x'), headers(1, block(['x', 'y']))],
    fails('PROTOCOL_ERROR'),
  ),
  client('8.1', 'a second head', [HEAD, headers(1, statusBlock(200))], fails('PROTOCOL_ERROR')),
  client(
    '8.1',
    'a second head that ends the stream',
    [HEAD, lastHeaders(1, statusBlock(200))],
    MALFORMED,
  ),
  client('8.1', 'an interim head behind the head', [HEAD, headers(1, statusBlock(103))], MALFORMED),
  client(
    '8.1',
    'trailers with a pseudo-field',
    [HEAD, lastHeaders(1, block([':status', '200']))],
    MALFORMED,
  ),
  client('8.1', 'trailers in upper case', [HEAD, lastHeaders(1, block(['X', 'y']))], MALFORMED),
];

const length = (value: string): WireField => ['content-length', value];
const lengths: readonly Http2Case[] = [
  client(
    '8.1.1',
    'a body of its content-length',
    [headers(1, statusBlock(200, length('2'))), body('ok')],
    OK,
  ),
  client(
    '8.1.1',
    'a body shorter than its content-length',
    [headers(1, statusBlock(200, length('3'))), body('ok')],
    MALFORMED,
  ),
  client(
    '8.1.1',
    'no body for a content-length',
    [lastHeaders(1, statusBlock(200, length('3')))],
    MALFORMED,
  ),
  client(
    '8.1.1',
    'a body longer than its content-length',
    [headers(1, statusBlock(200, length('1'))), body('ok')],
    MALFORMED,
  ),
  client(
    '8.1.1',
    'a body longer than its content-length by its second frame',
    [headers(1, statusBlock(200, length('1'))), data(1, 'o'), data(1, 'k')],
    MALFORMED,
  ),
  client(
    '8.1.1',
    'two lengths that differ',
    [headers(1, statusBlock(200, length('1'), length('2'))), body('ok')],
    MALFORMED,
  ),
  client('8.1.1', 'a length that is none', [headers(1, statusBlock(200, length('x')))], MALFORMED),
  client(
    '8.1.1',
    'a content-length for HEAD',
    [lastHeaders(1, statusBlock(200, length('9')))],
    OK,
    {
      request: 'HEAD',
      forwarded: { 'content-length': '9' },
    },
  ),
  client(
    '8.1.1',
    'a content-length of 304',
    [lastHeaders(1, statusBlock(304, length('9')))],
    status(304),
  ),
  client('8.1.1', '204', [lastHeaders(1, statusBlock(204))], status(204)),
  client(
    '8.1.1',
    'a body for HEAD',
    [HEAD, body('ok')],
    { accepted: [200], ...fails('PROTOCOL_ERROR') },
    { request: 'HEAD' },
  ),
];

const fields: readonly Http2Case[] = [
  badField('8.2', 'a name in upper case', ['X-Upper', 'y']),
  badField('8.2.1', 'an empty name', ['', 'y']),
  badField('8.2.1', 'a name with a space', ['x y', 'z']),
  badField('8.2.1', 'a name with a colon', ['x:y', 'z']),
  badField('8.2.1', 'a name beyond ASCII', ['x\xe9', 'z']),
  badField('8.2.1', 'a value with CR', ['x', 'a\rb']),
  badField('8.2.1', 'a value with LF', ['x', 'a\nb']),
  badField('8.2.1', 'a value with NUL', ['x', 'a\0b']),
  badField('8.2.1', 'a value that begins with a space', ['x', ' a']),
  badField('8.2.1', 'a value that ends with a tab', ['x', 'a\t']),
  badField('8.2.2', 'connection', ['connection', 'close']),
  badField('8.2.2', 'keep-alive', ['keep-alive', 'timeout=5']),
  badField('8.2.2', 'proxy-connection', ['proxy-connection', 'close']),
  badField('8.2.2', 'transfer-encoding', ['transfer-encoding', 'chunked']),
  badField('8.2.2', 'upgrade', ['upgrade', 'h2c']),
  client(
    '8.2.1',
    'values of every kind',
    [lastHeaders(1, statusBlock(200, ['x-value', 'a \t\xe9']))],
    OK,
    {
      forwarded: { 'x-value': 'a \t\xe9' },
    },
  ),
];

const pseudo: readonly Http2Case[] = [
  bad('8.3.2', 'no status', ['x', 'y']),
  bad('8.3.2', 'no field'),
  bad('8.3.2', 'two statuses', STATUS, STATUS),
  bad('8.3', 'the status behind a field', ['x', 'y'], STATUS),
  bad('8.3', 'a pseudo-field of requests', STATUS, [':path', '/']),
  bad('8.3', 'an unknown pseudo-field', STATUS, [':unknown', 'x']),
  ...['', '20', '2000', 'abc', '099', '+20', '200 OK'].map((code) =>
    bad('8.3.2', `a status of "${code}"`, [':status', code]),
  ),
  client('8.3.2', 'the status 404', [lastHeaders(1, statusBlock(404))], status(404)),
  client('8.3.2', 'the status 503', [lastHeaders(1, statusBlock(503))], status(503)),
  client('8.3.2', 'a status without a meaning', [lastHeaders(1, statusBlock(299))], status(299)),
  client('8.6', '101', [headers(1, statusBlock(101)), HEAD, body('ok')], MALFORMED),
];

const long = (bytes: number): Buffer =>
  longHeaders(1, statusBlock(200, ['x-long', 'x'.repeat(bytes)]));
const TOO_LARGE: Expected = fails('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'CANCEL');
const large: readonly Http2Case[] = [
  client('10.5.1', 'a head of more than 64 KiB', [long(70_000)], TOO_LARGE),
  client('10.5.1', 'a head of 60 KiB', [long(60_000)], OK),
  client(
    '10.5.1',
    'trailers of more than 64 KiB',
    [HEAD, data(1, 'x'), longHeaders(1, block(['x-long', 'x'.repeat(70_000)]))],
    TOO_LARGE,
  ),
];

export const CLIENT_MESSAGES: readonly Http2Case[] = [
  ...framing,
  ...lengths,
  ...fields,
  ...pseudo,
  ...large,
];
