import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { protocolOf } from './app-protocol.ts';

for (const [appProtocol, name, http2] of [
  [undefined, '', false],
  [undefined, 'http', false],
  [undefined, 'http-2', false],
  [undefined, 'http2', true],
  [undefined, 'http2-api', true],
  [undefined, 'http2api', false],
  [undefined, 'grpc', true],
  [undefined, 'grpc-api', true],
  [undefined, 'grpc-web', false],
  [undefined, 'grpc-web-api', false],
  [undefined, 'grpc-website', false],
  [undefined, 'my-grpc', false],
  ['kubernetes.io/h2c', '', true],
  ['kubernetes.io/grpc', 'http', true],
  ['http2', '', true],
  ['HTTP2', '', true],
  ['grpc', '', true],
  ['http', 'grpc', false],
  ['kubernetes.io/ws', 'http2', false],
  ['example.com/odd', '', false],
] as const) {
  test(`protocolOf takes port "${name}" with appProtocol ${appProtocol} for ${http2 ? 'HTTP/2' : 'unsaid'}`, () => {
    const expected = http2 ? Protocol.PROTOCOL_HTTP2 : Protocol.PROTOCOL_UNSPECIFIED;
    assert.equal(protocolOf(appProtocol, name), expected);
  });
}
