import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Failure } from '../../failure.ts';
import { claimMachine } from './machine-claim.ts';

const host = '127.0.0.1';
const WAIT_MS = 20_000;

/** An address that was free a moment ago. */
async function freeAddress(): Promise<{ readonly host: string; readonly port: number }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host, port };
}

test('second claim of a machine says that another run has it', async () => {
  const at = await freeAddress();
  const claim = await claimMachine(at, 0);
  await assert.rejects(claimMachine(at, 0), (error) => {
    return error instanceof Failure && /another .*--network netns" runs/.test(error.message);
  });
  claim.release();
  (await claimMachine(at, WAIT_MS)).release();
});

test('machine is claimed for as long as who inherited the claim lives', async (t) => {
  const at = await freeAddress();
  const claim = await claimMachine(at, 0);
  assert.ok(claim.descriptor !== undefined);
  const heir = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', claim.descriptor] });
  t.after(() => heir.kill('SIGKILL'));
  await once(heir, 'spawn');
  claim.release();
  await assert.rejects(claimMachine(at, 0), Failure);
  heir.stdin?.end();
  (await claimMachine(at, WAIT_MS)).release();
});
