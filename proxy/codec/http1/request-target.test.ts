import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { TUNNEL_CONNECT, TUNNEL_NONE } from '../../model/head.ts';
import { isMethod, missingPath, readRequestTarget } from './request-target.ts';

const HOST = 'Host: h:1\r\n';

function read(line: string, fields: string) {
  const head = parseHead('request', `${line}\r\n${fields}\r\n`);
  return { head, result: readRequestTarget(head) };
}

/** Request line, fields -> authority and path as they go upstream. */
const SERVED: readonly (readonly [line: string, fields: string, out: string])[] = [
  ['GET / HTTP/1.1', HOST, 'h:1 /'],
  ['GET /a/b?c=d/e HTTP/1.1', HOST, 'h:1 /a/b?c=d/e'],
  ['GET //x HTTP/1.1', HOST, 'h:1 //x'],
  ['OPTIONS * HTTP/1.1', HOST, 'h:1 *'],
  ['GET / HTTP/1.1', 'Host:\r\n', ' /'],
  ['GET / HTTP/1.0', '', ' /'],
  ['GET / HTTP/1.0', HOST, 'h:1 /'],
  ['GET / HTTP/1.1', 'Host: [::1]:80\r\n', '[::1]:80 /'],
  ['GET / HTTP/1.1', 'Host: [v1.fe:80]\r\n', '[v1.fe:80] /'],
  ['GET / HTTP/1.1', 'Host: web.demo.svc\r\n', 'web.demo.svc /'],
  ['GET / HTTP/1.1', 'Host: web:\r\n', 'web: /'],
  ['GET http://a HTTP/1.1', HOST, 'a /'],
  ['GET http://a:8080/ HTTP/1.1', HOST, 'a:8080 /'],
  ['GET HTTP://A/b HTTP/1.1', HOST, 'A /b'],
  ['GET http://a?b HTTP/1.1', HOST, 'a /?b'],
  ['GET http://[::1]:1/b HTTP/1.0', '', '[::1]:1 /b'],
  ['OPTIONS http://a HTTP/1.1', HOST, 'a *'],
  ['OPTIONS http://a/ HTTP/1.1', HOST, 'a /'],
  ['CONNECT a:80 HTTP/1.1', HOST, 'a:80 a:80'],
  ['CONNECT a:65535 HTTP/1.0', '', 'a:65535 a:65535'],
  ['CONNECT [::1]:443 HTTP/1.1', 'Host:\r\n', '[::1]:443 [::1]:443'],
];

for (const [line, fields, out] of SERVED) {
  test(`readRequestTarget reads ${JSON.stringify(line + fields)} as ${JSON.stringify(out)}`, () => {
    const { head, result } = read(line, fields);
    assert.equal(result, 'ok');
    assert.equal(`${head.authority()} ${missingPath(head)}${head.path()}`, out);
    assert.equal(head.tunnel, line.startsWith('CONNECT') ? TUNNEL_CONNECT : TUNNEL_NONE);
  });
}

const REFUSED: readonly (readonly [line: string, fields: string])[] = [
  ['GET / HTTP/1.1', ''],
  ['GET / HTTP/1.1', `${HOST}Host: h:1\r\n`],
  ['GET / HTTP/1.0', `${HOST}host: h:2\r\n`],
  ['GET / HTTP/1.1', 'Host: a b\r\n'],
  ['GET / HTTP/1.1', 'Host: a/b\r\n'],
  ['GET / HTTP/1.1', 'Host: u@a\r\n'],
  ['GET / HTTP/1.1', 'Host: a,b@\r\n'],
  ['GET / HTTP/1.1', 'Host: \xe9\r\n'],
  ['GET / HTTP/1.1', 'Host: a:b\r\n'],
  ['GET / HTTP/1.1', 'Host: a:123456\r\n'],
  ['GET / HTTP/1.1', 'Host: a:1:2\r\n'],
  ['GET / HTTP/1.1', 'Host: ::1\r\n'],
  ['GET / HTTP/1.1', 'Host: [::1\r\n'],
  ['GET / HTTP/1.1', 'Host: [::g]\r\n'],
  ['GET / HTTP/1.1', 'Host: [::1]x\r\n'],
  ['GET / HTTP/1.1', 'Host: :80\r\n'],
  ['GET a HTTP/1.1', HOST],
  ['GET ?a HTTP/1.1', HOST],
  ['GET * HTTP/1.1', HOST],
  ['OPTIONS ** HTTP/1.1', HOST],
  ['GET a:80 HTTP/1.1', HOST],
  ['GET https://a/ HTTP/1.1', HOST],
  ['GET ftp://a/ HTTP/1.1', HOST],
  ['GET http:///b HTTP/1.1', HOST],
  ['GET http://u@a/b HTTP/1.1', HOST],
  ['GET http://a:b/ HTTP/1.1', HOST],
  ['GET http://a/ HTTP/1.1', ''],
  ['CONNECT http://a/ HTTP/1.1', HOST],
  ['CONNECT http://a:80/ HTTP/1.1', HOST],
  ['CONNECT / HTTP/1.1', HOST],
  ['CONNECT * HTTP/1.1', HOST],
  ['CONNECT a HTTP/1.1', HOST],
  ['CONNECT a: HTTP/1.1', HOST],
  ['CONNECT a:0 HTTP/1.1', HOST],
  [`CONNECT ${'a'.repeat(520)}:80 HTTP/1.1`, HOST],
  ['CONNECT a:65536 HTTP/1.1', HOST],
  ['CONNECT :80 HTTP/1.1', HOST],
  ['CONNECT [::1] HTTP/1.1', HOST],
  ['CONNECT u@a:80 HTTP/1.1', HOST],
  ['CONNECT a:80/b HTTP/1.1', HOST],
  ['CONNECT a:80 HTTP/1.1', ''],
  ['CONNECT a:80 HTTP/1.1', `${HOST}${HOST}`],
];

for (const [line, fields] of REFUSED) {
  test(`readRequestTarget refuses ${JSON.stringify(line + fields)}`, () => {
    assert.equal(read(line, fields).result, 'malformed');
  });
}

test('isMethod compares whole methods and their letter case', () => {
  const { head } = read('HEAD / HTTP/1.1', HOST);
  const methods = ['HEAD', 'head', 'HEA', 'HEADS', 'GET', ''];
  assert.deepEqual(
    methods.map((method) => isMethod(head, method)),
    [true, ...Array(5).fill(false)],
  );
});
