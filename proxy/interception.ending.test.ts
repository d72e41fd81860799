/** Connections to a pod, dialled at its own address, that is about to end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointResource } from '../test/support/endpoints.ts';
import { Http2MemoryPeer } from '../test/support/http2-memory-peer.ts';
import {
  PREFACE,
  getBlock,
  lastHeaders,
  settings,
  settingsAck,
} from '../test/support/http2-wire.ts';
import { InterceptionBench } from '../test/support/interception-bench.ts';
import type { React } from '../test/support/memory-world.ts';
import { GET, OK, serving } from '../test/support/stack-bench.ts';
import { interceptedOutbound } from './interception.ts';
import { timeouts } from './limits.ts';
import type { DestinationResource } from './model/destination.ts';

/** PostgreSQL's SSLRequest. */
const STARTUP = '\0\0\0\x08\x04\xd2\x16\x2f';

const echoing: React = (peer) => {
  const text = peer.take();
  if (text !== '') peer.send(text);
};

const service = (host: string, ...ports: readonly number[]): DestinationResource => ({
  authority: 'web.demo.svc.cluster.local:80',
  service: 'web',
  namespace: 'demo',
  port: 80,
  endpoints: ports.map((port) => endpointResource({ host, port })),
  routes: [],
});

test('outbound ends kept connections to a pod, dialled at its own address, that is about to end', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  // Another listener, as that of IPv6: both hear of it.
  interceptedOutbound(made.parts, made.outbound);
  const pod = { host: '10.1.0.9', port: 8080 };
  await made.serve(pod, serving);
  const [idle, kept] = [made.dial(pod, GET), made.dial(pod, GET)];
  const told = { ...service(pod.host, pod.port), service: '' };
  made.tell('10.1.0.9:8080', told);
  assert.deepEqual([idle.take(), kept.take()], [OK, OK]);
  kept.send(GET.slice(0, 10));
  made.bench.world.run();
  const endpoints = told.endpoints.map((one) => ({ ...one, terminating: true }));
  made.tell('10.1.0.9:8080', { ...told, endpoints });
  assert.deepEqual([idle.ended, kept.ended], [true, false], 'one is in the middle of a request');
  kept.send(GET.slice(10));
  made.bench.world.run();
  assert.match(kept.take(), /connection: close/i);
  const late = made.dial(pod, GET);
  assert.match(late.take(), /connection: close/i, 'it serves on, once a connection');
  made.tell('10.1.0.9:8080', told);
  const again = made.dial(pod, GET);
  assert.equal(again.take(), OK, 'the address came to be of another pod');
  made.bench.finish([idle, kept, late, again]);
});

test('outbound says goodbye on HTTP/2 to a pod that is about to end, and serves what is on its way', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const pod = { host: '10.1.0.9', port: 8080 };
  await made.serve(pod, serving);
  const endpoints = [endpointResource({ ...pod, protocol: 'http1' })];
  const told = { ...service(pod.host), service: '', endpoints };
  const begin = (): Http2MemoryPeer => {
    const { world } = made.bench;
    const client = new Http2MemoryPeer(world, world.connect(pod), 'client');
    client.send(PREFACE, settings(), settingsAck(), lastHeaders(1, getBlock()));
    return client;
  };
  const kept = begin();
  made.tell('10.1.0.9:8080', told);
  kept.take();
  kept.acknowledges = false;
  const ending = endpoints.map((one) => ({ ...one, terminating: true }));
  made.tell('10.1.0.9:8080', { ...told, endpoints: ending });
  assert.deepEqual(kept.take(), ['GOAWAY 2147483647 NO_ERROR', 'PING 0']);
  kept.send(lastHeaders(3, getBlock()));
  assert.match(kept.take().join(), /^HEADERS 3 :status=200 /);
  made.advance(1_100);
  assert.deepEqual([kept.takeMain(), kept.peer.ended], [['GOAWAY 3 NO_ERROR'], true]);
  const late = begin();
  assert.match(late.takeMain().join(), /^HEADERS 1 :status=200 /, 'it serves on');
  made.bench.finish([kept.peer, late.peer]);
});

test('outbound keeps connections to a pod whose address was one that ended, forgotten meanwhile', async (t) => {
  const made = await InterceptionBench.outbound(t, true);
  const pod = { host: '10.1.0.9', port: 8080 };
  await made.serve(pod, echoing);
  const told = { ...service(pod.host, pod.port), service: '' };
  const endpoints = told.endpoints.map((one) => ({ ...one, terminating: true }));
  const bytes = made.dial(pod, STARTUP);
  made.tell('10.1.0.9:8080', { ...told, endpoints });
  for (let idleMs = 0; idleMs < timeouts.destinationIdleMs + 130_000; idleMs += 60_000) {
    bytes.send('-');
    made.advance(60_000);
  }
  assert.deepEqual([made.asked.size, bytes.closed], [0, false]);
  await made.serve({ ...pod, port: 8081 }, serving);
  const again = made.dial(pod, GET);
  made.tell('10.1.0.9:8080', { ...service(pod.host, 8081), service: '' });
  assert.equal(again.take(), OK);
  made.bench.finish([bytes, again]);
});

test('outbound hears out who connected a moment before the pod was about to end, not who is silent', async (t) => {
  const pod = { host: '10.1.0.9', port: 8080 };
  for (const ageMs of [0, timeouts.serverFirstMs + 20]) {
    const made = await InterceptionBench.outbound(t, true);
    await made.serve(pod, serving);
    const told = { ...service(pod.host, pod.port), service: '' };
    const old = made.dial(pod);
    made.tell('10.1.0.9:8080', told);
    made.advance(timeouts.detectTimeoutMs + 100);
    const [speaks, slow, silent] = [made.dial(pod), made.dial(pod), made.dial(pod)];
    made.advance(ageMs);
    const endpoints = told.endpoints.map((one) => ({ ...one, terminating: true }));
    made.tell('10.1.0.9:8080', { ...told, endpoints });
    assert.deepEqual(
      [old.ended, speaks.ended, slow.ended, silent.ended],
      [true, false, false, false],
    );
    made.advance(timeouts.serverFirstMs + 20);
    speaks.send(GET);
    slow.send(GET.slice(0, 10));
    made.advance(timeouts.detectTimeoutMs - 100);
    slow.send(GET.slice(10));
    made.bench.world.run();
    for (const client of [speaks, slow]) {
      assert.match(client.take(), /^HTTP\/1.1 200 [^]*connection: close/i, `${ageMs}`);
    }
    made.advance(300);
    assert.equal(silent.ended, true);
    made.bench.finish([old, speaks, slow, silent]);
  }
});
