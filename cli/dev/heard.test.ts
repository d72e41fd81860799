import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { untilEndingIsKnown } from './heard.ts';

const POD = { namespace: 'demo', name: 'web-1' };
const DEADLINE_MS = 10_000;
/** Ports that fetch refuses: whoever listens on one of them is not what is tested. */
const REFUSED_BY_FETCH = [6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080];

/** A config.json in which the pod is ending. */
const ending = (...resources: object[]): string =>
  JSON.stringify({
    endingPods: ['demo/web-0', 'demo/web-1'],
    proxies: [{ namespace: 'demo', pod: 'api-1', resources }],
  });

const ACKED = ending({ sent: 5, acked: 5, nacked: 0, pending: false });

/** Says each of `configs` once, the last one again and again. */
function saying(t: TestContext, configs: string[]) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end(configs.length > 1 ? configs.shift() : configs[0]);
  });
  t.after(() => server.close());
  return { server, asked: () => asked };
}

/** The port it listens on; undefined when it is taken. */
async function listen(server: Server, port: number): Promise<number | undefined> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  }
}

const known = (port: number | undefined): Promise<boolean> =>
  untilEndingIsKnown(POD, ['demo/api-1'], { host: '127.0.0.1', port: port ?? 0 }, DEADLINE_MS);

test('untilEndingIsKnown waits for every answer, also to what is not sent yet', async (t) => {
  const before = [
    JSON.stringify({ endingPods: [], proxies: [] }),
    'no JSON',
    ending({ sent: 5, acked: 4, nacked: 0, pending: false }),
    ending({ sent: 5, acked: 5, nacked: 0, pending: true }),
    ending({ sent: 5, acked: 5, nacked: 0 }, { sent: 4, acked: 3, nacked: 2 }),
  ];
  const { asked, server } = saying(t, [...before, ACKED]);
  assert.equal(await known(await listen(server, 0)), true);
  assert.equal(asked(), before.length + 1);
});

test('untilEndingIsKnown waits for sidecars that a new controller has not heard of yet', async (t) => {
  const nobody = JSON.stringify({ endingPods: ['demo/web-1'], proxies: [] });
  const { asked, server } = saying(t, [nobody, nobody, nobody, ACKED]);
  assert.equal(await known(await listen(server, 0)), true);
  assert.equal(asked(), 4);
});

test('untilEndingIsKnown looks again after the controller knows', async (t) => {
  const { asked, server } = saying(t, [ACKED]);
  assert.equal(await known(await listen(server, 0)), true);
  assert.equal(asked(), 2);
});

test('untilEndingIsKnown takes what is refused for an answer, and ports that fetch does not take', async (t) => {
  const { server } = saying(t, [ending({ sent: 5, acked: 4, nacked: 5, pending: false })]);
  for (const refused of REFUSED_BY_FETCH) {
    const port = await listen(server, refused);
    if (port !== undefined) return assert.equal(await known(port), true);
  }
  t.skip('every such port is taken');
});

test('untilEndingIsKnown gives up after its deadline', async (t) => {
  const { server } = saying(t, [JSON.stringify({ endingPods: [] })]);
  const port = await listen(server, 0);
  const admin = { host: '127.0.0.1', port: port ?? 0 };
  assert.equal(await untilEndingIsKnown(POD, [], admin, 50), false);
});
