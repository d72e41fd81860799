import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENVOY, envoyConfig } from './envoy.ts';

const listen = { host: '127.0.0.1', port: 12_001 };
const backends = [1, 2].map((last) => ({ host: '127.0.0.1', port: 13_000 + last }));
const topology = {
  direction: 'outbound',
  backends,
  authority: 'web',
  threads: 1,
  hops: 1,
} as const;

test('envoyConfig listens at one address and balances over all backends', () => {
  const text = JSON.stringify(envoyConfig(listen, topology));
  const ports = [...text.matchAll(/"port_value":(\d+)/g)].map(([, port]) => Number(port));
  assert.deepEqual(ports, [12_001, 13_001, 13_002]);
});

/** What Envoy is told to speak: to clients, and to servers. */
const spoken = (protocol: 'http1' | 'http2', backendProtocol: 'http1' | 'http2') => {
  const text = JSON.stringify(envoyConfig(listen, { ...topology, protocol, backendProtocol }));
  return /"codec_type":"(\w+)".*?"explicit_http_config":\{"(\w+)"/.exec(text)?.slice(1);
};

test('envoyConfig speaks to each side what the topology says', () => {
  assert.deepEqual(spoken('http1', 'http2'), ['HTTP1', 'http2_protocol_options']);
  assert.deepEqual(spoken('http2', 'http1'), ['HTTP2', 'http_protocol_options']);
});

test('Envoy says how to name it', { skip: process.env['ENVOY'] !== undefined }, () => {
  assert.match(ENVOY.missing() ?? '', /set ENVOY/);
  assert.equal(ENVOY.version(), '');
});
