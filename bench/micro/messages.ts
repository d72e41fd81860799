/** Messages as services send them, for the cases. */
import { HEAD_DONE, type HeadKind, HeadParser } from '../../proxy/codec/http1/head-parser.ts';
import { readRequestTarget } from '../../proxy/codec/http1/request-target.ts';
import { Head } from '../../proxy/model/head.ts';

const lines = (...all: readonly string[]): Buffer =>
  Buffer.from([...all, '', ''].join('\r\n'), 'latin1');

/** A request as an HTTP client library sends it. */
export const REQUEST: Buffer = lines(
  'GET /api/users/17/cart?full=1 HTTP/1.1',
  'Host: web.demo.svc.cluster.local:8080',
  'User-Agent: client/1.4.2',
  'Accept: application/json',
  'Accept-Encoding: gzip, deflate',
  'X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736',
);

/** A response of a small service; its body is BODY. */
export const RESPONSE: Buffer = lines(
  'HTTP/1.1 200 OK',
  'Server: service/2.0',
  'Date: Sat, 21 Nov 2026 04:00:00 GMT',
  'Content-Type: application/json; charset=utf-8',
  'Content-Length: 65',
  'Connection: keep-alive',
);

/** 65 bytes. */
export const BODY: Buffer = Buffer.alloc(65, '{"id":17,"items":[1,2,3]} ');

/** RESPONSE with its body. */
export const ANSWER: Buffer = Buffer.concat([RESPONSE, BODY]);

/** Bounds that no message here comes near. */
export const HEAD_LIMITS = { headBytesMax: 65_536, fieldCountMax: 256, targetBytesMax: 16_384 };

/** The head of `bytes`, complete. */
export function headOf(bytes: Buffer, kind: HeadKind): Head {
  const parser = new HeadParser(new Head(), HEAD_LIMITS);
  parser.start(kind);
  if (parser.parse(bytes, 0, bytes.length) !== HEAD_DONE) throw new Error('not a head');
  if (kind === 'request' && readRequestTarget(parser.head) !== 'ok') throw new Error('no target');
  return parser.head;
}
