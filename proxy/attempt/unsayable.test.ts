import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestOf } from '../../test/support/request-of.ts';
import { Head, TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../model/head.ts';
import { whyUnsayable } from './unsayable.ts';

test('whyUnsayable lets HTTP/1.1 carry http and https, and HTTP/2 every scheme', () => {
  const head = new Head();
  const sayable = (['http1', 'http2'] as const).map((protocol) =>
    ['http', 'https', 'coap', 'httpss'].map((scheme) => {
      head.scheme = scheme;
      return whyUnsayable(head, 0, protocol)?.code ?? 'ok';
    }),
  );
  assert.deepEqual(sayable, [
    ['ok', 'ok', 'malformed-request', 'malformed-request'],
    ['ok', 'ok', 'ok', 'ok'],
  ]);
});

function says(line: string, body: number, protocol: 'http1' | 'http2'): string {
  const head = requestOf(line);
  head.tunnel = TUNNEL_UPGRADE;
  return whyUnsayable(head, body, protocol)?.code ?? 'ok';
}

test('whyUnsayable lets HTTP/2 carry upgrades of GET without a body', () => {
  assert.equal(says('GET /a', 0, 'http2'), 'ok');
  assert.equal(says('GET /a', 3, 'http2'), 'tunnel-not-served');
  assert.equal(says('GET /a', -1, 'http2'), 'tunnel-not-served');
  assert.equal(says('POST /a', 0, 'http2'), 'tunnel-not-served');
  assert.equal(says('POST /a', 3, 'http1'), 'ok');
  const connect = requestOf('GET /a');
  connect.tunnel = TUNNEL_CONNECT;
  assert.equal(whyUnsayable(connect, 0, 'http2'), undefined);
});
