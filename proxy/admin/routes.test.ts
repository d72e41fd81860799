import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROMETHEUS_CONTENT_TYPE } from '../../base/prometheus.ts';
import type { AdminRequest, AdminResponse } from './http-server.ts';
import { adminHandler } from './routes.ts';

/** An admin server's handler, and what it was made to do. */
function bench(why?: string) {
  const done: string[] = [];
  const handler = adminHandler({
    notReady: () => why,
    metrics: () => 'a 1\n',
    config: () => Promise.resolve({ a: 1 }),
    interception: () => ({ intercepting: false }),
    shutdown: () => done.push('shutdown'),
    setLogLevel: (level) => done.push(level),
    threads: 2,
    profile: async ({ kind, thread, ms }) =>
      ms === 7_000
        ? { status: 409, sentence: 'later' }
        : { profile: `${kind} of thread ${thread} over ${ms} ms` },
  });
  const ask = async (line: string, given: Partial<AdminRequest> = {}): Promise<AdminResponse> => {
    const [method = '', target = ''] = line.split(' ');
    const [path = '', query] = target.split('?');
    const request = { method, path, query: new URLSearchParams(query), body: '', loopback: true };
    return handler({ ...request, ...given });
  };
  return { ask, done };
}

const READS = [
  '/live',
  '/ready',
  '/metrics',
  '/config.json',
  '/interception.json',
  '/profile.cpuprofile',
  '/profile.heapprofile',
];
const WRITES = { '/shutdown': 'POST', '/log-level': 'PUT' } as const;
const LOOPBACK_ONLY = new Set([
  '/config.json',
  '/profile.cpuprofile',
  '/profile.heapprofile',
  '/shutdown',
  '/log-level',
]);

test('adminHandler answers each endpoint', async () => {
  const { ask } = bench();
  assert.deepEqual(await ask('GET /live'), {
    status: 200,
    contentType: 'text/plain; charset=utf-8',
    body: 'live\n',
  });
  assert.equal((await ask('GET /ready')).body, 'ready\n');
  assert.deepEqual(await ask('GET /metrics'), {
    status: 200,
    contentType: PROMETHEUS_CONTENT_TYPE,
    body: 'a 1\n',
  });
  const config = await ask('GET /config.json');
  assert.deepEqual([config.contentType, JSON.parse(config.body)], ['application/json', { a: 1 }]);
  assert.equal((await ask('GET /interception.json')).body, '{"intercepting":false}\n');
});

test('adminHandler is not ready with a reason', async () => {
  const { status, body } = await bench('draining').ask('GET /ready');
  assert.deepEqual([status, body], [503, 'not ready: draining\n']);
});

for (const path of READS) {
  test(`adminHandler answers GET and HEAD of ${path}, and nothing else`, async () => {
    const { ask } = bench();
    for (const method of ['GET', 'HEAD'])
      assert.equal((await ask(`${method} ${path}`)).status, 200);
    for (const method of ['POST', 'PUT', 'DELETE', 'get']) {
      const { status, body } = await ask(`${method} ${path}`);
      assert.deepEqual([status, body], [405, `${path} takes GET\n`]);
    }
  });
}

for (const [path, taken] of Object.entries(WRITES)) {
  test(`adminHandler does ${path} for ${taken} only`, async () => {
    const { ask, done } = bench();
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      if (method === taken) continue;
      assert.equal((await ask(`${method} ${path}`, { body: 'warn' })).status, 405);
    }
    assert.deepEqual(done, []);
    assert.equal((await ask(`${taken} ${path}`, { body: 'warn' })).status, 200);
    assert.equal(done.length, 1);
  });
}

test('adminHandler keeps writes and secrets to loopback', async () => {
  const { ask, done } = bench();
  for (const path of [...READS, ...Object.keys(WRITES)]) {
    const method = path === '/shutdown' ? 'POST' : path === '/log-level' ? 'PUT' : 'GET';
    const { status } = await ask(`${method} ${path}`, { body: 'warn', loopback: false });
    assert.equal(status, LOOPBACK_ONLY.has(path) ? 403 : 200, path);
  }
  assert.deepEqual(done, []);
});

test('adminHandler sets a log level that there is', async () => {
  const { ask, done } = bench();
  assert.equal((await ask('PUT /log-level', { body: ' debug\n' })).body, 'log level is debug\n');
  const refused = await ask('PUT /log-level', { body: 'loud' });
  assert.deepEqual(
    [refused.status, refused.body],
    [400, 'the body must be one of debug, info, warn, error\n'],
  );
  assert.deepEqual(done, ['debug']);
});

const PROFILES = { '/profile.cpuprofile': 'cpu', '/profile.heapprofile': 'allocations' };

for (const [path, kind] of Object.entries(PROFILES)) {
  test(`adminHandler profiles at ${path} for some seconds, within bounds`, async () => {
    const { ask } = bench();
    assert.deepEqual(await ask(`GET ${path}`), {
      status: 200,
      contentType: 'application/json',
      body: `${kind} of thread 0 over 5000 ms`,
    });
    const half = await ask(`GET ${path}?seconds=0.5`);
    assert.equal(half.body, `${kind} of thread 0 over 500 ms`);
    const long = await ask(`GET ${path}?seconds=60`);
    assert.equal(long.body, `${kind} of thread 0 over 60000 ms`);
    for (const seconds of ['0', '-1', '60.1', 'x', '', 'Infinity', 'NaN']) {
      const { status, body } = await ask(`GET ${path}?seconds=${seconds}`);
      assert.deepEqual([status, body], [400, 'seconds must be above 0 and at most 60\n'], seconds);
    }
  });

  test(`adminHandler profiles at ${path} the thread asked for, of those there are`, async () => {
    const { ask } = bench();
    for (const thread of ['0', '1', 'main']) {
      const { body } = await ask(`GET ${path}?seconds=1&thread=${thread}`);
      assert.equal(body, `${kind} of thread ${thread} over 1000 ms`);
    }
    for (const thread of ['2', '-1', '0.5', 'x', 'NaN', '', '1e0', '9999', 'Main']) {
      const refused = await ask(`GET ${path}?thread=${thread}`);
      const expected = [400, 'thread must be main, or 0 to 1\n'];
      assert.deepEqual([refused.status, refused.body], expected, thread);
    }
  });

  test(`adminHandler says at ${path} why there is no profile now`, async () => {
    const { status, body } = await bench().ask(`GET ${path}?seconds=7`);
    assert.deepEqual([status, body], [409, 'later\n']);
  });
}

for (const path of ['/', '', '/livez', '/metrics/', '*', 'constructor', '__proto__']) {
  test(`adminHandler knows no endpoint "${path}" and says which there are`, async () => {
    const { status, body } = await bench().ask('GET /', { path });
    assert.equal(status, 404);
    for (const known of [...READS, ...Object.keys(WRITES)]) assert.ok(body.includes(known));
  });
}
