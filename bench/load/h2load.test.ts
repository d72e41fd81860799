import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { loadPlan } from '../../test/support/load-plan.ts';
import { unusedPort } from '../../test/support/scripted-peer.ts';
import { H2LOAD, h2loadProblem, missingH2load } from './h2load.ts';
import { ForeignLoader } from './foreign-loader.ts';
import { readH2load } from './h2load-output.ts';

const skip = missingH2load() ?? false;
const HTTP2 = { protocol: 'http2', streamsPerConnection: 4 } as const;

test('h2load counts answers, errors and shapes as our generator does', { skip }, async () => {
  const seen: Record<string, number> = {};
  const server = http2.createServer((request, response) => {
    const what = `${request.method} ${request.url} ${request.headers[':authority']}`;
    seen[what] = (seen[what] ?? 0) + 1;
    response.statusCode = request.url === '/bad' ? 503 : 200;
    response.end('ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await using h2load = await ForeignLoader.start(H2LOAD, undefined);
  const result = await h2load.run(
    loadPlan(
      { host: '127.0.0.1', port },
      {
        ...HTTP2,
        requests: [
          { method: 'GET', path: '/good', bodyBytes: 0, weight: 3 },
          { method: 'GET', path: '/bad', bodyBytes: 0, weight: 1 },
        ],
        connections: 2,
        warmupMs: 100,
        durationMs: 400,
        watch: [process.pid],
      },
    ),
  );
  server.close();
  const bad = result.errors['status 5xx'] ?? 0;
  assert.ok(result.answered > bad && bad > 0, JSON.stringify(result.errors));
  assert.equal(result.sent, result.answered + bad);
  assert.equal(result.completed, result.answered);
  assert.deepEqual(Object.keys(seen).toSorted(), ['GET /bad web', 'GET /good web']);
  assert.ok((result.cpu[0]?.totalUs ?? 0) > 0);
  assert.ok(result.bytesReceived > 0 && result.wallUs >= 400_000);
});

test('h2load says that nothing listens', { skip }, async () => {
  await using h2load = await ForeignLoader.start(H2LOAD, undefined);
  const to = { host: '127.0.0.1', port: await unusedPort() };
  await assert.rejects(h2load.run(loadPlan(to, HTTP2)), /does not answer/);
});

test('h2load refuses what it cannot do', () => {
  const to = { host: '127.0.0.1', port: 1 };
  const request = { method: 'GET', path: '/', bodyBytes: 0, weight: 1 } as const;
  for (const changes of [
    { protocol: 'http1', streamsPerConnection: 1 },
    { arrival: { kind: 'fixed', perSecond: 1 } },
    { idleConnections: 1 },
    { requests: [{ ...request, method: 'POST' }] },
    { requests: [{ ...request, answerBytes: 2 }] },
  ] as const) {
    assert.match(h2loadProblem(loadPlan(to, { ...HTTP2, ...changes })) ?? '', /^h2load /);
  }
  assert.equal(h2loadProblem(loadPlan(to, HTTP2)), undefined);
});

test('readH2load reads its closing lines, and nothing else', () => {
  const output = `requests: 130 total, 138 started, 130 done, 127 succeeded, 3 failed, 2 errored, 1 timeout
status codes: 120 2xx, 4 3xx, 2 4xx, 1 5xx
traffic: 1.51KB (1546) total, 5.37KB (56) headers (space savings 52.17%), 7.93KB (831) data`;
  assert.deepEqual(readH2load(output), {
    byClass: { '2xx': 120, '3xx': 4, '4xx': 2, '5xx': 1 },
    lost: { 'h2load errored': 2, 'h2load timeout': 1 },
    bytesReceived: 1_546,
  });
  assert.throws(() => readH2load('h2load: bad option'), /h2load wrote: h2load: bad option/);
});
