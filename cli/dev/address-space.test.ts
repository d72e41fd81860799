import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Failure } from '../failure.ts';
import { claimAddresses, findTaken, singleAddresses } from './address-space.ts';
import type { Candidate } from './address-space.ts';

const host = '127.0.0.1';

async function takePort() {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { server, port } = await takePort();
  server.close();
  await once(server, 'close');
  return port;
}

const candidate = (port: number): Candidate => ({
  hold: { host, port },
  create: () => singleAddresses(port),
});

test('claim passes over what another run holds, and holds its own', async (t) => {
  const held = await takePort();
  t.after(() => held.server.close());
  const ours = await freePort();
  const claim = await claimAddresses([candidate(held.port), candidate(ours)], () => ({
    plan: 'ours',
    listeners: [],
  }));
  t.after(() => claim.release());
  assert.equal(claim.plan, 'ours');
  assert.notEqual(await findTaken([{ host, port: ours }]), undefined);
});

test('claim passes over a space in which a planned address is taken', async (t) => {
  const taken = await takePort();
  t.after(() => taken.server.close());
  const ports = [await freePort(), await freePort()];
  let plans = 0;
  const claim = await claimAddresses(ports.map(candidate), () => ({
    plan: ++plans,
    listeners: plans === 1 ? [{ host, port: taken.port }] : [],
  }));
  t.after(() => claim.release());
  assert.equal(claim.plan, 2);
});

test('claim fails in a sentence when nothing is free', async (t) => {
  const taken = await takePort();
  t.after(() => taken.server.close());
  await assert.rejects(
    claimAddresses([candidate(taken.port)], () => ({ plan: 0, listeners: [] })),
    (error) => error instanceof Failure && /no free addresses .*EADDRINUSE/.test(error.message),
  );
});

const LOW_PORTS = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
const lowPortMax = existsSync(LOW_PORTS) ? Number(readFileSync(LOW_PORTS, 'utf8')) - 1 : 0;

test('claim of a port that is for root fails at once, and holds nothing', async (t) => {
  if (lowPortMax < 1) {
    t.skip('every user may listen on every port here');
    return;
  }
  if (process.geteuid?.() === 0) {
    process.seteuid?.('nobody');
    t.after(() => process.seteuid?.(0));
  }
  const ports = [await freePort(), await freePort()];
  let plans = 0;
  const claiming = claimAddresses(ports.map(candidate), () => ({
    plan: ++plans,
    listeners: [{ host, port: 1 }],
  }));
  await assert.rejects(claiming, (error) => {
    return error instanceof Failure && /may not listen on port 1: .*1024/.test(error.message);
  });
  assert.equal(plans, 1);
  assert.equal(await findTaken(ports.map((port) => ({ host, port }))), undefined);
});
