import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { SocketAddress } from '../../../base/settings.ts';
import { Failure } from '../../failure.ts';
import { claimMachine } from './machine-claim.ts';
import type { MachineClaim } from './machine-claim.ts';

const host = '127.0.0.1';
const WAIT_MS = 20_000;
const NOT_AT_ALL = { runningMs: 0, endingMs: WAIT_MS };

/** An address that was free a moment ago. */
async function freeAddress(): Promise<SocketAddress> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host, port };
}

const claim = (at: SocketAddress): Promise<MachineClaim> =>
  claimMachine(() => {}, undefined, at, NOT_AT_ALL);

/** Resolves when the claim waits for somebody who is ending; `claimed` when it has the machine. */
function claimPatiently(
  at: SocketAddress,
  stop?: AbortSignal,
): {
  readonly waits: Promise<string>;
  readonly claimed: Promise<MachineClaim>;
} {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { waits: promise, claimed: claimMachine(resolve, stop, at, NOT_AT_ALL) };
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Failure && /another .*--network netns" runs/.test(error.message);

test('second claim of a machine says that another run has it', async () => {
  const at = await freeAddress();
  const first = await claim(at);
  await assert.rejects(claim(at), isRefusal);
  first.release();
  (await claim(at)).release();
});

test('claim waits for a run that is ending', async () => {
  const at = await freeAddress();
  const first = await claim(at);
  first.beginEnd();
  const { claimed, waits } = claimPatiently(at);
  assert.match(await waits, /is ending: waiting/);
  first.release();
  (await claimed).release();
});

test('claim waits for who inherited that of a run that is gone', async (t) => {
  const at = await freeAddress();
  const first = await claim(at);
  assert.ok(first.descriptor !== undefined);
  const heir = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', first.descriptor] });
  t.after(() => heir.kill('SIGKILL'));
  await once(heir, 'spawn');
  first.release();
  const { claimed, waits } = claimPatiently(at);
  await waits;
  heir.stdin?.end();
  (await claimed).release();
});

test('claim that waits for too long says that an earlier run hangs, not that another one runs', async () => {
  const at = await freeAddress();
  const first = await claim(at);
  first.beginEnd();
  const second = claimMachine(() => {}, undefined, at, { runningMs: 0, endingMs: 50 });
  await assert.rejects(second, /^Failure: an earlier .* is still ending after 0.05 s/);
  first.release();
});

test('claim that waits gives up at once when it is asked to end', async () => {
  const at = await freeAddress();
  const first = await claim(at);
  first.beginEnd();
  const asked = new AbortController();
  const { claimed, waits } = claimPatiently(at, asked.signal);
  await waits;
  const sinceMs = performance.now();
  asked.abort();
  await assert.rejects(claimed, /^Failure: asked to end/);
  assert.ok(performance.now() - sinceMs < WAIT_MS / 2);
  first.release();
});
