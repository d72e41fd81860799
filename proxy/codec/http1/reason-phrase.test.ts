import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';
import { test } from 'node:test';
import { REASON_PHRASE_BYTES_MAX, reasonPhrase } from './reason-phrase.ts';

/** What RFC 9110 renamed, and a joke. */
const OTHERWISE = new Set(['413', '418', '422', '509', '510']);

test('reasonPhrase knows what Node does, but for what RFC 9110 calls otherwise', () => {
  for (const [status, phrase] of Object.entries(STATUS_CODES)) {
    if (OTHERWISE.has(status)) assert.notEqual(reasonPhrase(Number(status)), phrase);
    else assert.equal(reasonPhrase(Number(status)), phrase, status);
  }
});

test('reasonPhrase is empty where nothing is registered', () => {
  for (const status of [0, 99, 299, 600, 999, 1000]) assert.equal(reasonPhrase(status), '');
  assert.equal(REASON_PHRASE_BYTES_MAX, 'Network Authentication Required'.length);
});
