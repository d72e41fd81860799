import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { loadPlan } from '../../test/support/load-plan.ts';
import { unusedPort } from '../../test/support/scripted-peer.ts';
import { AUTOCANNON, autocannonProblem } from './autocannon.ts';
import { ForeignLoader } from './foreign-loader.ts';

const skip = process.platform === 'linux' ? false : 'what is read of processes needs Linux';

test('autocannon counts answers, errors and shapes as our generator does', { skip }, async () => {
  const seen: Record<string, number> = {};
  const server = createServer((request, response) => {
    const what = `${request.method} ${request.url} ${request.headers.host}`;
    seen[what] = (seen[what] ?? 0) + 1;
    request.resume().on('end', () => {
      response.statusCode = request.url === '/bad' ? 503 : 200;
      response.end('ok');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using cannon = await ForeignLoader.start(AUTOCANNON, undefined);
  const result = await cannon.run(
    loadPlan(
      { host: '127.0.0.1', port },
      {
        requests: [
          { method: 'GET', path: '/good', bodyBytes: 0, weight: 3 },
          { method: 'POST', path: '/bad', bodyBytes: 10, weight: 1 },
        ],
        connections: 2,
        warmupMs: 100,
        durationMs: 400,
        watch: [process.pid],
      },
    ),
  );
  server.close();
  server.closeAllConnections();
  const bad = result.errors['status 503'] ?? 0;
  assert.ok(result.answered > bad && bad > 0, JSON.stringify(result.errors));
  assert.equal(result.sent, result.answered + bad);
  assert.equal(result.completed, result.sent);
  assert.deepEqual(Object.keys(seen).toSorted(), ['GET /good web', 'POST /bad web']);
  assert.ok((result.cpu[0]?.totalUs ?? 0) > 0);
  assert.equal(
    result.latencyUs.count.reduce((sum, count) => sum + count, 0),
    result.answered,
  );
});

test('autocannon says that nothing listens', { skip }, async () => {
  await using cannon = await ForeignLoader.start(AUTOCANNON, undefined);
  const to = { host: '127.0.0.1', port: await unusedPort() };
  await assert.rejects(cannon.run(loadPlan(to, { warmupMs: 100 })), /does not answer: .*REFUSED/);
});

test('autocannon refuses what it cannot do', () => {
  const to = { host: '127.0.0.1', port: 1 };
  const request = { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: 2 } as const;
  for (const changes of [
    { arrival: { kind: 'fixed', perSecond: 1 } },
    { idleConnections: 1 },
    { connectionPerRequest: true },
    { requests: [request] },
  ] as const) {
    assert.match(autocannonProblem(loadPlan(to, changes)) ?? '', /^autocannon /);
  }
  assert.equal(autocannonProblem(loadPlan(to)), undefined);
});
