import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const HOST = '127.0.0.1';
const LABELS = fileURLToPath(new URL('labels.ts', import.meta.url));
const TRIES_MAX = 500;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Posts to a program that is about to listen. */
async function post(url: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return (await fetch(url, { method: 'POST' })).status;
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
      await delay(20);
    }
  }
}

test('demo program outlives a client that resets in the middle of its request', async () => {
  const port = await freePort();
  const env = { ...process.env, HOST, PORT: String(port) };
  const program = spawn(process.execPath, [LABELS], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let stderr = '';
    program.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const url = `http://${HOST}:${port}/labels/1000`;
    assert.equal(await post(url), 201);

    const client = connect(port, HOST);
    client.write('POST /labels/1000 HTTP/1.1\r\nhost: labels\r\nexpect: 100-continue\r\n');
    client.write('content-length: 10\r\n\r\nabc');
    // Its "100 Continue": the program is reading the body.
    await once(client, 'data');
    client.resetAndDestroy();

    assert.equal(await post(url), 201);
    program.kill('SIGTERM');
    assert.deepEqual(await once(program, 'close'), [0, null]);
    assert.equal(stderr, '');
  } finally {
    program.kill('SIGKILL');
  }
});
