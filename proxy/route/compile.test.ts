import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import type { DestinationResource, RouteRule } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { compileDestination } from './compile.ts';
import { EndpointTable } from './endpoints.ts';
import { LearnedRoutes } from './learn.ts';

const badRule: RouteRule = {
  name: 'bad',
  matches: [
    { method: undefined, path: { kind: 'regex', value: '(' }, headers: [], queryParams: [] },
  ],
};

function compiler() {
  let acquired = 0;
  const table = new EndpointTable({ forgotten: () => undefined, isOwnListener: () => false });
  const acquire = table.acquire.bind(table);
  table.acquire = (described) => {
    acquired++;
    return acquire(described);
  };
  const picked: (readonly Endpoint[])[] = [];
  const compile = (given: Partial<DestinationResource>) => {
    const resource = {
      authority: 'web.demo:80',
      service: 'web',
      namespace: 'demo',
      port: 80,
      endpoints: [],
      routes: [],
      ...given,
    };
    return compileDestination(resource, new LearnedRoutes(), table, (ready) => {
      picked.push(ready);
      return { pick: () => undefined };
    });
  };
  return { compile, picked, acquired: () => acquired };
}

test('compileDestination lets the picker choose among what is ready and stays', () => {
  const { compile, picked } = compiler();
  const { authority, service, namespace, port, endpoints, readyCount } = compile({
    endpoints: [
      endpointResource({ id: 'ready' }),
      endpointResource({ id: 'not ready', ready: false }),
      endpointResource({ id: 'leaving', terminating: true }),
      endpointResource({ id: 'also ready' }),
    ],
  });
  assert.deepEqual([authority, service, namespace, port], ['web.demo:80', 'web', 'demo', 80]);
  assert.deepEqual(
    picked[0]?.map(({ id }) => id),
    ['ready', 'also ready'],
  );
  assert.equal(readyCount, 2);
  assert.equal(endpoints.length, 4);
  assert.ok(endpoints.every(({ references }) => references === 1));
});

test('compileDestination keeps what the service says that HTTP/1.1 rides on', () => {
  const { compile } = compiler();
  assert.equal(compile({}).http1Transport, undefined);
  assert.equal(compile({ http1Transport: 'http2' }).http1Transport, 'http2');
});

test('compileDestination keeps what is declared of its connections', () => {
  const { compile } = compiler();
  assert.equal(compile({}).declared, undefined);
  assert.equal(compile({ declared: 'opaque' }).declared, 'opaque');
});

for (const [what, given] of [
  ['no host', { endpoints: [endpointResource(), endpointResource({ host: '' })] }],
  ['port 0', { endpoints: [endpointResource(), endpointResource({ port: 0 })] }],
  ['port 65536', { endpoints: [endpointResource({ port: 65_536 })] }],
  ['half a port', { endpoints: [endpointResource({ port: 80.5 })] }],
  ['a bad pattern', { endpoints: [endpointResource()], routes: [badRule] }],
] as const) {
  test(`compileDestination throws on ${what} and has acquired nothing`, () => {
    const { compile, acquired } = compiler();
    assert.throws(() => compile(given), /is no endpoint address|regular expression/);
    assert.equal(acquired(), 0);
  });
}
