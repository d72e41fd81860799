import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { TUNNEL_UPGRADE } from '../../model/head.ts';
import { grantsOffered, isTunnelled, offeredProtocols } from './upgrade.ts';

const offered = (lines: readonly string[], version = '1.1'): readonly string[] =>
  offeredProtocols(
    parseHead('request', ['GET / HTTP/' + version, 'Host: h', ...lines, '', ''].join('\r\n')),
  );

/** Lines of a request, and what they offer. */
const OFFERS: readonly (readonly [lines: readonly string[], offers: readonly string[]])[] = [
  [[], []],
  [['Connection: Upgrade'], []],
  [['Upgrade: websocket'], []],
  [['Connection: close', 'Upgrade: websocket'], []],
  [['Connection: Upgrade', 'Upgrade: websocket'], ['websocket']],
  [['connection: keep-alive,\tUPGRADE', 'upgrade:  WebSocket '], ['WebSocket']],
  [['Connection: close', 'Connection: upgrade', 'Upgrade: x'], ['x']],
  [
    ['Connection: upgrade', 'Upgrade: a/1, b', 'Upgrade: ,c/x.y,'],
    ['a/1', 'b', 'c/x.y'],
  ],
  [['Connection: upgrade', 'Upgrade:'], []],
  [['Connection: upgrade', 'Upgrade: , ,'], []],
  [['Connection: upgrade', 'Upgrade: web socket'], []],
  [['Connection: upgrade', 'Upgrade: a/1/2'], []],
  [['Connection: upgrade', 'Upgrade: a/'], []],
  [['Connection: upgrade', 'Upgrade: a, "b"'], []],
  [['Connection: upgrade', `Upgrade: ${'x'.repeat(65)}`], []],
  // HTTP/2 would pass unseen, alone or not.
  [['Connection: upgrade', 'Upgrade: h2c'], []],
  [['Connection: upgrade', 'Upgrade: H2C, websocket'], []],
  [['Connection: upgrade', 'Upgrade: websocket', 'Upgrade: h2c'], []],
  [['Connection: upgrade', 'Upgrade: HTTP/2.0'], []],
  [['Connection: upgrade', 'Upgrade: h2'], []],
  [
    ['Connection: upgrade', 'Upgrade: h2o, httpx'],
    ['h2o', 'httpx'],
  ],
];

for (const [lines, offers] of OFFERS) {
  test(`offeredProtocols of ${JSON.stringify(lines)} are ${JSON.stringify(offers)}`, () => {
    assert.deepEqual(offered(lines), offers);
    assert.deepEqual(offered(lines, '1.0'), [], 'HTTP/1.0 has none');
  });
}

test('offeredProtocols need no Connection where the head is known to ask for an upgrade', () => {
  const head = parseHead('request', 'GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n');
  assert.deepEqual(offeredProtocols(head), []);
  head.tunnel = TUNNEL_UPGRADE;
  assert.deepEqual(offeredProtocols(head), ['x']);
});

const grants = (...lines: readonly string[]): boolean =>
  grantsOffered(parseHead('response', ['HTTP/1.1 101 x', ...lines, '', ''].join('\r\n')), [
    'WebSocket',
    'b/1',
  ]);

test('grantsOffered takes what was offered, and nothing else', () => {
  assert.equal(grants('Connection: Upgrade', 'Upgrade: websocket'), true);
  assert.equal(grants('Upgrade: B/1', 'Connection: x, upgrade'), true);
  assert.equal(grants('Connection: Upgrade', 'Upgrade: b/1, websocket'), true);
  assert.equal(grants('Upgrade: websocket'), false);
  assert.equal(grants('Connection: Upgrade'), false);
  assert.equal(grants('Connection: Upgrade', 'Upgrade:'), false);
  assert.equal(grants('Connection: Upgrade', 'Upgrade: b'), false);
  assert.equal(grants('Connection: Upgrade', 'Upgrade: h2c'), false);
  assert.equal(grants('Connection: Upgrade', 'Upgrade: websocket, c'), false);
});

test('isTunnelled is any protocol but HTTP', () => {
  const all = ['websocket', 'x/1', 'connect-udp', 'h2c', 'HTTP', 'http/3', 'h2', '', 'a b', 'a,b'];
  assert.deepEqual(all.filter(isTunnelled), ['websocket', 'x/1', 'connect-udp']);
});
