import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Destination,
  Inbound,
  PathMatchType,
  Protocol,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import { NO_OWNER } from '../model/endpoint.ts';
import { readDestination, readInbound, readNoSuchService, readOwner } from './resources.ts';

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
      declared: Protocol.PROTOCOL_OPAQUE,
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
      declared: 'opaque',
    },
  );
});

test('readDestination takes what is absent for absent', () => {
  const { declared, endpoints, http1Transport, routes } = received({
    endpoints: [{ id: 'a' }],
    routes: [{ matches: [{}] }],
  });
  assert.deepEqual([http1Transport, declared], [undefined, undefined]);
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

/** As it comes off the wire. */
const receivedPod = (message: Parameters<typeof Inbound.fromPartial>[0]) =>
  readInbound(Inbound.decode(Inbound.encode(Inbound.fromPartial(message)).finish()));

test('readNoSuchService reads what connections to the address are all the same', () => {
  const { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_OPAQUE, PROTOCOL_UNSPECIFIED } = Protocol;
  const all = [PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_OPAQUE, PROTOCOL_UNSPECIFIED];
  const read = all.map((declared) => readNoSuchService({ reason: 'gone', declared }));
  assert.deepEqual(
    read,
    ['http1', 'http2', 'opaque', undefined].map((declared) => ({
      kind: 'no-such-service',
      reason: 'gone',
      declared,
    })),
  );
});

test('what reads messages takes a protocol that it does not know for none', () => {
  const protocol = 99 as Protocol;
  const none = { kind: 'no-such-service', reason: '', declared: undefined };
  assert.deepEqual(readNoSuchService({ reason: '', declared: protocol }), none);
  assert.equal(received({ declared: protocol }).declared, undefined);
  const ports = [{ first: 80, last: 80, protocol }];
  const inbound = [{ first: 80, last: 80, protocol: undefined }];
  assert.deepEqual(receivedPod({ owner, ports }), { owner, ports: { inbound, outbound: [] } });
});

test('readInbound reads what is declared of ports on both sides', () => {
  const { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_OPAQUE, PROTOCOL_UNSPECIFIED } = Protocol;
  const ports = [PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_OPAQUE, PROTOCOL_UNSPECIFIED].map(
    (protocol, i) => ({ first: i + 1, last: 65_535, protocol }),
  );
  const read = receivedPod({ ports, outboundPorts: [ports[2]!] });
  assert.deepEqual(read, {
    owner: NO_OWNER,
    ports: {
      inbound: [
        { first: 1, last: 65_535, protocol: 'http1' },
        { first: 2, last: 65_535, protocol: 'http2' },
        { first: 3, last: 65_535, protocol: 'opaque' },
        { first: 4, last: 65_535, protocol: undefined },
      ],
      outbound: [{ first: 3, last: 65_535, protocol: 'opaque' }],
    },
  });
});

for (const [first, last] of [
  [0, 80],
  [81, 80],
  [80, 65_536],
] as const) {
  test(`readInbound refuses the ports ${first} to ${last} on either side`, () => {
    const wrong = [{ first, last }];
    assert.equal(receivedPod({ ports: wrong }), `${first}-${last} are no ports`);
    assert.equal(receivedPod({ outboundPorts: wrong }), `${first}-${last} are no ports`);
  });
}
