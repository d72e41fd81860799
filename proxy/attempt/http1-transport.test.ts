import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import { requestHead } from '../../test/support/heads.ts';
import { Endpoint, type EndpointResource } from '../model/endpoint.ts';
import type { Protocol } from '../model/exchange.ts';
import { ORIG_PROTO_HTTP1, ORIG_PROTO_NONE } from '../model/head.ts';
import { limits } from '../limits.ts';
import { checkRequest } from '../session/http1-request.ts';
import { attemptProtocol } from './http1-transport.ts';

interface Case {
  readonly transport?: Protocol | undefined;
  readonly endpoint?: Partial<EndpointResource>;
  readonly cameBy?: Protocol;
  readonly lines?: readonly string[];
}

/** What the attempt speaks, and whether its head rides; by default it does. */
function attempt(given: Case = {}): string {
  const { cameBy = 'http1', endpoint: more = {}, lines = [] } = given;
  const transport = 'transport' in given ? given.transport : 'http2';
  const endpoint = new Endpoint(endpointResource({ meshed: true, ...more }));
  const head = requestHead(['POST /a HTTP/1.1', 'Host: web', ...lines, '', ''].join('\r\n'));
  assert.equal(typeof checkRequest(head), 'number');
  // As another attempt may have left it.
  head.origProto = transport === 'http2' ? ORIG_PROTO_NONE : ORIG_PROTO_HTTP1;
  const protocol = attemptProtocol(transport, endpoint, cameBy, head);
  return head.origProto === ORIG_PROTO_HTTP1 ? `${protocol}, rides` : protocol;
}

const RIDES = 'http2, rides';

const CASES: readonly (readonly [what: string, given: Case, outcome: string])[] = [
  ['rides to a sidecar where its service says so', {}, RIDES],
  [
    'rides where the endpoint is said to speak HTTP/1.1',
    { endpoint: { protocol: 'http1' } },
    RIDES,
  ],
  ['does not ride where the service says no', { transport: 'http1' }, 'http1'],
  ['does not ride where nobody says so', { transport: undefined }, 'http1'],
  ['does not ride to an endpoint without a sidecar', { endpoint: { meshed: false } }, 'http1'],
  [
    'is translated for an endpoint that speaks HTTP/2',
    { endpoint: { protocol: 'http2' } },
    'http2',
  ],
  ['that came by HTTP/2 goes on by it', { cameBy: 'http2' }, 'http2'],
  [
    'that came by HTTP/2 is translated for an endpoint that speaks HTTP/1.1',
    { cameBy: 'http2', endpoint: { protocol: 'http1' } },
    'http1',
  ],
  [
    'stays on HTTP/1.1 when it asks for an upgrade',
    { lines: ['Connection: upgrade', 'Upgrade: websocket'] },
    'http1',
  ],
  [
    'stays on HTTP/1.1 when it asks for one of several upgrades',
    { lines: ['Connection: upgrade', 'Upgrade: x/1', 'Upgrade: websocket'] },
    'http1',
  ],
  ['rides when it only speaks of an upgrade', { lines: ['Upgrade: websocket'] }, RIDES],
  [
    'rides when HTTP/2 is among the upgrades',
    { lines: ['Connection: upgrade', 'Upgrade: h2c, websocket'] },
    RIDES,
  ],
  [
    'rides when the upgrade is one that is dropped',
    { lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: H2C', 'HTTP2-Settings: AAMA'] },
    RIDES,
  ],
  ['stays on HTTP/1.1 with a large head', { lines: [`X-A: ${'x'.repeat(65_000)}`] }, 'http1'],
  [
    'rides with a head that is not quite so large',
    { lines: [`X-A: ${'x'.repeat(60_000)}`] },
    RIDES,
  ],
  [
    'stays on HTTP/1.1 with as many fields as there may be',
    { lines: Array.from({ length: limits.fieldCountMax - 1 }, () => 'a: b') },
    'http1',
  ],
];

for (const [what, given, outcome] of CASES) {
  test(`a request of HTTP/1.1 ${what}`, () => assert.equal(attempt(given), outcome));
}
