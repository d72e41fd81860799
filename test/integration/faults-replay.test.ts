import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { eventually, withDeadline } from '../support/deadline.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf } from '../support/raw-http.ts';
import { dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const EARLY_BYTES = 60_000;
const BODY_BYTES = 400_000;

/**
 * Answers one GET, takes the beginning of the body behind it, and turns its loop no more: told to,
 * it closes that connection, and what dials then waits in its queue or before it.
 */
const SERVER = `
const { parentPort, workerData } = require('node:worker_threads');
const told = new Int32Array(workerData);
const server = require('node:net').createServer((socket) => {
  let bytes = 0;
  socket.on('data', (data) => {
    if (bytes === 0) socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok');
    bytes += data.length;
    if (bytes < ${EARLY_BYTES}) return;
    parentPort.postMessage('deaf');
    Atomics.wait(told, 0, 0);
    socket.destroy();
    Atomics.wait(told, 0, 1);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () =>
  parentPort.postMessage(server.address().port),
);
`;

const counted = async (sidecar: Sidecar, name: string, labels: Record<string, string> = {}) =>
  sumOf(parseSamples((await sidecar.admin('/metrics')).text), name, labels);

const skip = process.platform !== 'linux' && 'it needs the queue of Linux';
it(
  'a body that goes on while its replay waits for a connection ends no thread',
  { skip },
  async (t) => {
    const told = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(SERVER, { eval: true, workerData: told.buffer });
    t.after(() => worker.terminate());
    const heard = async (what: string): Promise<unknown> =>
      (await withDeadline(what, once(worker, 'message')))[0];
    const port = Number(await heard('the port'));
    await using sidecar = await Sidecar.inbound(port, '--connect-timeout-ms', '3000');
    using client = await dial(sidecar.address);
    await client.send(headOf('GET /1 HTTP/1.1', 'Host: web'));
    assert.equal(statusOf(await readResponse(client)), 200);

    const deaf = heard('the beginning of the body');
    await client.send(headOf('PUT /2 HTTP/1.1', 'Host: web', `Content-Length: ${BODY_BYTES}`));
    await client.send(Buffer.alloc(EARLY_BYTES, 'y'));
    await deaf;
    // Two fill the queue: the dial of the replay is not answered.
    using first = await dial(port);
    using second = await dial(port);
    assert.deepEqual([first.closed, second.closed], [false, false]);
    Atomics.store(told, 0, 1);
    Atomics.notify(told, 0);
    await eventually('the sidecar to notice the loss', async () => {
      const open = await counted(sidecar, 'tcp_open_connections', { peer: 'dst' });
      return open === 0;
    });
    const answer = readResponse(client);
    await client.send(Buffer.alloc(EARLY_BYTES, 'z'));
    void client.send(Buffer.alloc(BODY_BYTES - 2 * EARLY_BYTES, 'z'));
    assert.equal(statusOf(await answer), 504);
    assert.equal(await counted(sidecar, 'proxy_thread_restarts_total'), 0);
    assert.equal(await counted(sidecar, 'response_total'), 2, 'of the thread that served first');
  },
);
