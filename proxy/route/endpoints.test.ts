import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointResource as resource } from '../../test/support/endpoints.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { EndpointTable } from './endpoints.ts';

function table(ownPort = 0) {
  const forgotten: Endpoint[] = [];
  const endpoints = new EndpointTable({
    forgotten: (endpoint) => forgotten.push(endpoint),
    isOwnListener: (_host, port) => port === ownPort,
  });
  return { endpoints, forgotten };
}

test('EndpointTable gives the same endpoint, with its state, as long as somebody names it', () => {
  const { endpoints, forgotten } = table();
  const first = endpoints.acquire(resource());
  first.pending = 3;
  assert.equal(endpoints.acquire(resource({ ready: false, weight: 5 })), first);
  endpoints.release(first);
  assert.equal(endpoints.acquire(resource()).pending, 3);
  endpoints.release(first);
  assert.deepEqual(forgotten, []);
  endpoints.release(first);
  assert.deepEqual(forgotten, [first]);
  assert.notEqual(endpoints.acquire(resource()), first);
});

test('EndpointTable takes the same id elsewhere for another endpoint', () => {
  const { endpoints } = table();
  const here = endpoints.acquire(resource());
  assert.notEqual(endpoints.acquire(resource({ host: '10.0.0.2' })), here);
  assert.notEqual(endpoints.acquire(resource({ port: 81 })), here);
  assert.notEqual(endpoints.acquire(resource({ id: 'b' })), here);
});

test('EndpointTable takes its own application for one without a sidecar, whatever it is told', () => {
  const endpoints = new EndpointTable({
    forgotten: () => undefined,
    isOwnListener: () => false,
    isOwnApplication: (host) => host === '10.0.0.1',
  });
  const own = endpoints.acquire(resource({ meshed: true }));
  const other = endpoints.acquire(resource({ host: '10.0.0.2', meshed: true }));
  assert.deepEqual([own.meshed, other.meshed], [false, true]);
  endpoints.acquire(resource({ meshed: true }));
  assert.equal(own.meshed, false, 'nor by a later version');
});

test('EndpointTable keeps owner, protocol and sidecar current and knows a way back to this proxy', () => {
  const { endpoints } = table(4140);
  const owner = { namespace: 'demo', pod: 'p', workloadKind: 'deployment', workload: 'w' };
  const endpoint = endpoints.acquire(resource());
  endpoints.acquire(resource({ owner, protocol: 'http2', meshed: true }));
  assert.deepEqual([endpoint.owner, endpoint.protocol, endpoint.meshed], [owner, 'http2', true]);
  endpoints.acquire(resource());
  assert.deepEqual([endpoint.protocol, endpoint.meshed], [undefined, false]);
  assert.equal(endpoint.loops, false);
  assert.equal(endpoints.acquire(resource({ port: 4140 })).loops, true);
});
