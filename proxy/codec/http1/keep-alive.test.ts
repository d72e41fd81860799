import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { keepAliveMs, keepsConnection } from './keep-alive.ts';

const CASES: readonly (readonly [field: string, ms: number])[] = [
  ['Keep-Alive: timeout=5', 4_500],
  ['Keep-Alive: timeout=5, max=100', 4_500],
  ['Keep-Alive: max=100,TIMEOUT=5', 4_500],
  ['Keep-Alive: timeout=0', 0],
  ['Keep-Alive: max=100', Number.POSITIVE_INFINITY],
  ['Keep-Alive: xtimeout=5', Number.POSITIVE_INFINITY],
  ['Keep-Alive: timeout=x', Number.POSITIVE_INFINITY],
  ['X-Keep-Alive: timeout=5', Number.POSITIVE_INFINITY],
];

for (const [field, ms] of CASES) {
  test(`keepAliveMs gives ${ms} ms to "${field}"`, () => {
    assert.equal(keepAliveMs(parseHead('response', `HTTP/1.1 200 OK\r\n${field}\r\n\r\n`)), ms);
  });
}

const keeps = (line: string, ...lines: readonly string[]): boolean =>
  keepsConnection(parseHead('response', [line, ...lines, '', ''].join('\r\n')));

test('keepsConnection goes by the version and by what Connection says', () => {
  assert.equal(keeps('HTTP/1.1 200 OK'), true);
  assert.equal(keeps('HTTP/1.1 200 OK', 'Connection: x, Close'), false);
  assert.equal(keeps('HTTP/1.0 200 OK'), false);
  assert.equal(keeps('HTTP/1.0 200 OK', 'Connection: keep-alive'), true);
});
