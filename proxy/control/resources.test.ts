import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Destination, PathMatchType, Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { NO_OWNER } from '../model/endpoint.ts';
import { readDestination, readOwner } from './resources.ts';

const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };

/** As it comes off the wire. */
const received = (message: Parameters<typeof Destination.fromPartial>[0]) =>
  readDestination(
    Destination.decode(Destination.encode(Destination.fromPartial(message)).finish()),
  );

test('readDestination reads a destination with all its parts', () => {
  const endpoint = {
    id: 'demo/web-1:80',
    port: 80,
    weight: 2,
    zone: 'a',
    ready: true,
    terminating: true,
    meshed: true,
    protocol: Protocol.PROTOCOL_HTTP2,
    owner,
  };
  const value = { name: 'x-a', value: '1' };
  const { address: _, ...rest } = { address: '', ...endpoint };
  assert.deepEqual(
    received({
      authority: 'web.demo.svc.cluster.local:80',
      service: 'web',
      namespace: 'demo',
      port: 80,
      endpoints: [{ ...endpoint, address: '10.0.0.1' }],
      routes: [
        {
          name: 'r',
          matches: [
            {
              method: 'GET',
              path: { type: PathMatchType.PATH_MATCH_TYPE_PATH_PREFIX, value: '/a' },
              headers: [value],
              queryParams: [{ ...value, regularExpression: true }],
            },
          ],
        },
      ],
      http1Transport: Protocol.PROTOCOL_HTTP2,
    }),
    {
      authority: 'web.demo.svc.cluster.local:80',
      service: 'web',
      namespace: 'demo',
      port: 80,
      endpoints: [{ ...rest, host: '10.0.0.1', protocol: 'http2' }],
      routes: [
        {
          name: 'r',
          matches: [
            {
              method: 'GET',
              path: { kind: 'prefix', value: '/a' },
              headers: [{ ...value, regex: false }],
              queryParams: [{ ...value, regex: true }],
            },
          ],
        },
      ],
      http1Transport: 'http2',
    },
  );
});

test('readDestination takes what is absent for absent', () => {
  const { endpoints, http1Transport, routes } = received({
    endpoints: [{ id: 'a' }],
    routes: [{ matches: [{}] }],
  });
  assert.equal(http1Transport, undefined);
  assert.equal(endpoints[0]?.owner, NO_OWNER);
  assert.deepEqual(routes, [
    {
      name: '',
      matches: [{ method: undefined, path: undefined, headers: [], queryParams: [] }],
    },
  ]);
});

test('readDestination knows every kind of path match, and takes an unknown one for exact', () => {
  const types: [number, string][] = [
    [PathMatchType.PATH_MATCH_TYPE_EXACT, 'exact'],
    [PathMatchType.PATH_MATCH_TYPE_PATH_PREFIX, 'prefix'],
    [PathMatchType.PATH_MATCH_TYPE_REGULAR_EXPRESSION, 'regex'],
    [99, 'exact'],
  ];
  for (const [type, kind] of types) {
    const path = { type: type as PathMatchType, value: '/a' };
    const { routes } = received({ routes: [{ matches: [{ path }] }] });
    assert.deepEqual(routes[0]?.matches[0]?.path, { kind, value: '/a' });
  }
});

test('readOwner reads the labels of a pod', () => {
  assert.deepEqual(readOwner(owner), owner);
  assert.equal(readOwner(undefined), NO_OWNER);
});
