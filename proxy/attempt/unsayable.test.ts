import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../model/head.ts';
import { whyUnsayable } from './unsayable.ts';

test('whyUnsayable lets HTTP/1.1 carry http and https, and HTTP/2 every scheme', () => {
  const head = new Head();
  const sayable = (['http1', 'http2'] as const).map((protocol) =>
    ['http', 'https', 'coap', 'httpss'].map((scheme) => {
      head.scheme = scheme;
      return whyUnsayable(head, protocol)?.code ?? 'ok';
    }),
  );
  assert.deepEqual(sayable, [
    ['ok', 'ok', 'malformed-request', 'malformed-request'],
    ['ok', 'ok', 'ok', 'ok'],
  ]);
});
