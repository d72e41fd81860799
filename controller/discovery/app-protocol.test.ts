import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { connectionProtocol, endpointProtocol, saidOfPort } from './app-protocol.ts';

const NOTHING = { declared: [] };

for (const [appProtocol, name, said] of [
  [undefined, '', undefined],
  [undefined, 'http', undefined],
  [undefined, 'http-2', undefined],
  [undefined, 'http2', 'http2'],
  [undefined, 'http2-api', 'http2'],
  [undefined, 'http2api', undefined],
  [undefined, 'grpc', 'http2'],
  [undefined, 'grpc-api', 'http2'],
  [undefined, 'grpc-web', undefined],
  [undefined, 'grpc-web-api', undefined],
  [undefined, 'grpc-website', undefined],
  [undefined, 'my-grpc', undefined],
  [undefined, 'tcp', undefined],
  ['kubernetes.io/h2c', '', 'http2'],
  ['kubernetes.io/grpc', 'http', 'http2'],
  ['http2', '', 'http2'],
  ['HTTP2', '', 'http2'],
  ['grpc', '', 'http2'],
  ['http', 'grpc', 'http'],
  ['http1', 'grpc', 'http1'],
  ['kubernetes.io/ws', 'http2', 'http'],
  ['kubernetes.io/wss', 'http', 'opaque'],
  ['TCP', '', 'opaque'],
  ['https', '', 'opaque'],
  ['linkerd.io/opaque', '', 'opaque'],
  ['skip', '', 'opaque'],
  ['example.com/odd', 'grpc', undefined],
] as const) {
  test(`saidOfPort takes port "${name}" with appProtocol ${appProtocol} for ${said}`, () => {
    assert.equal(saidOfPort(NOTHING, { name, port: 80 }, appProtocol), said);
  });
}

test('saidOfPort takes the annotation before appProtocol and name', () => {
  const declared = [
    { first: 80, last: 81, protocol: 'http1' as const },
    { first: 1, last: 65_535, protocol: 'opaque' as const },
  ];
  const said = (port: number) => saidOfPort({ declared }, { name: 'grpc', port }, 'http2');
  assert.deepEqual([said(79), said(80), said(81)], ['opaque', 'http1', 'http1']);
});

test('endpoints are spoken to in a version that was said, connections are what was said', () => {
  const { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_OPAQUE, PROTOCOL_UNSPECIFIED } = Protocol;
  for (const [said, endpoint, connection] of [
    [undefined, PROTOCOL_UNSPECIFIED, PROTOCOL_UNSPECIFIED],
    ['detect', PROTOCOL_UNSPECIFIED, PROTOCOL_UNSPECIFIED],
    ['http', PROTOCOL_UNSPECIFIED, PROTOCOL_HTTP1],
    ['http1', PROTOCOL_HTTP1, PROTOCOL_HTTP1],
    ['http2', PROTOCOL_HTTP2, PROTOCOL_HTTP2],
    ['opaque', PROTOCOL_UNSPECIFIED, PROTOCOL_OPAQUE],
  ] as const) {
    assert.deepEqual([endpointProtocol(said), connectionProtocol(said)], [endpoint, connection]);
  }
});
