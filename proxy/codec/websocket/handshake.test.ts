import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newWebsocketKey, websocketAccept } from './handshake.ts';

test('websocketAccept is that of RFC 6455 section 1.3', () => {
  assert.equal(websocketAccept('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('newWebsocketKey gives 16 bytes in base64, others each time', () => {
  const keys = Array.from({ length: 100 }, newWebsocketKey);
  for (const key of keys) {
    assert.match(key, /^[A-Za-z0-9+/]{22}==$/);
    assert.equal(Buffer.from(key, 'base64').length, 16);
  }
  assert.equal(new Set(keys).size, keys.length);
});
