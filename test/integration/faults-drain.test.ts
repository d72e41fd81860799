import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import { listens } from '../support/kernel-sockets.ts';
import {
  headOf,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { dial, PeerServer, splitAddress, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const DRAIN = ['--drain-quiet-ms', '300', '--drain-deadline-ms', '20000'] as const;

async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

/** Any protocol but HTTP, by its first byte: what comes goes back. */
async function echo(link: PeerLink): Promise<void> {
  for (;;) {
    const bytes = await link.takeSome();
    if (bytes === undefined) return link.halfClose();
    await link.send(bytes);
  }
}

/** A word to `echo`, and back. */
async function talk(client: PeerLink): Promise<void> {
  await client.send('\0word');
  assert.equal((await client.take(5)).toString(), '\0word');
}

/** Sends SIGTERM and waits until the sidecar says that it is no longer ready. */
async function drain(sidecar: Sidecar): Promise<void> {
  sidecar.signal('SIGTERM');
  await eventually('readiness to fail', async () => (await sidecar.admin('/ready')).status === 503);
}

const exitOf = (sidecar: Sidecar) => withDeadline('the sidecar to exit', sidecar.exited, 15_000);

describe('draining after SIGTERM', () => {
  it('an idle sidecar exits with 0', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    sidecar.signal('SIGTERM');
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('inbound keeps accepting and says goodbye on each connection', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    const quiet = ['--drain-quiet-ms', '2000', '--drain-deadline-ms', '20000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...quiet);
    using old = await dial(sidecar.address);
    await old.send(GET);
    assert.deepEqual(valuesOf((await readResponse(old)).fields, 'connection'), []);
    await drain(sidecar);
    assert.equal((await sidecar.admin('/live')).status, 200);
    using fresh = await dial(sidecar.address);
    for (const client of [fresh, old]) {
      await client.send(GET);
      const response = await readResponse(client);
      assert.equal(statusOf(response), 200);
      assert.deepEqual(valuesOf(response.fields, 'connection'), ['close']);
      assert.equal(await client.takeSome(), undefined);
    }
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('inbound finishes the exchange that is under way', async () => {
    await using upstream = await PeerServer.listen((link) => readRequest(link));
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    using client = await dial(sidecar.address);
    await client.send(GET);
    await eventually('the request upstream', () => upstream.links[0]?.takenBytes);
    await upstream.links[0]!.send(`${headOf('HTTP/1.1 200 OK', 'Content-Length: 8')}half`);
    await client.arrived('half');
    await drain(sidecar);
    if (process.platform === 'linux') {
      const port = splitAddress(sidecar.address)[1];
      // Connecting to see would be a new connection, and these keep the listener open.
      await eventually('the listener to close', () => !listens(port));
    }
    await upstream.links[0]!.send('done');
    assert.equal((await readResponse(client)).body.toString(), 'halfdone');
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('outbound keeps working until the sockets of the application are gone', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.outbound([upstream.port], ...DRAIN);
    using client = await dial(sidecar.address);
    await client.send(GET);
    assert.equal(statusOf(await readResponse(client)), 200);
    await drain(sidecar);
    const sinceMs = performance.now();
    let served = 0;
    // Well past the quiet time of the inbound side.
    while (performance.now() - sinceMs < 1_000) {
      await client.send(GET);
      assert.equal(statusOf(await readResponse(client)), 200);
      served++;
    }
    assert.ok(served > 0);
    using another = await dial(sidecar.address);
    await another.send(GET);
    assert.equal(statusOf(await readResponse(another)), 200);
    client.destroy();
    another.destroy();
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('ends at its deadline, with 503 or a cut for what is still under way', async () => {
    await using upstream = await PeerServer.listen((link) => readRequest(link));
    const deadline = ['--drain-quiet-ms', '100', '--drain-deadline-ms', '1000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...deadline);
    using client = await dial(sidecar.address);
    await client.send(GET);
    await eventually('the request upstream', () => upstream.links[0]?.takenBytes);
    const sinceMs = performance.now();
    sidecar.signal('SIGTERM');
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
    assert.ok(performance.now() - sinceMs > 900);
    assert.match((await client.untilEnded()).toString('latin1'), /^(?:HTTP\/1\.1 503 |$)/);
  });

  it('a tunnel goes on until its end, and the sidecar with it', async () => {
    await using upstream = await PeerServer.listen(echo);
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    using client = await dial(sidecar.address);
    await client.send('\0before');
    assert.equal((await client.take(7)).toString(), '\0before');
    await drain(sidecar);
    if (process.platform === 'linux') {
      const port = splitAddress(sidecar.address)[1];
      await eventually('the listener to close', () => !listens(port));
    }
    await client.send('after');
    assert.equal((await client.take(5)).toString(), 'after');
    client.halfClose();
    assert.equal(await client.takeSome(), undefined);
    assert.equal(client.wasReset, false);
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('a tunnel is reset at the deadline, on both sides', async () => {
    await using upstream = await PeerServer.listen(echo);
    const deadline = ['--drain-quiet-ms', '100', '--drain-deadline-ms', '1000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...deadline);
    using client = await dial(sidecar.address);
    await client.send('\0before');
    await client.take(7);
    sidecar.signal('SIGTERM');
    await client.untilEnded();
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
    assert.deepEqual([client.wasReset, upstream.links[0]?.wasReset], [true, true]);
  });

  it('a second signal ends it at once', async () => {
    await using upstream = await PeerServer.listen((link) => readRequest(link));
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    using client = await dial(sidecar.address);
    await client.send(GET);
    await eventually('the request upstream', () => upstream.links[0]?.takenBytes);
    await drain(sidecar);
    const sinceMs = performance.now();
    sidecar.signal('SIGTERM');
    await exitOf(sidecar);
    assert.ok(performance.now() - sinceMs < 1_000);
  });

  it('inbound lets go of idle connections to the application once it has closed', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    const slow = ['--upstream-idle-ms', '60000', '--drain-quiet-ms', '300'];
    // So that it does not end with its inbound side.
    const wayOut = ['--outbound', '127.0.0.1:0', '--to', 'web=127.0.0.1:1'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...wayOut, ...slow);
    using outbound = await dial(sidecar.outbound);
    using client = await dial(sidecar.inbound);
    await client.send(GET);
    assert.equal(statusOf(await readResponse(client)), 200);
    assert.equal(upstream.links[0]?.ended, false);
    await drain(sidecar);
    await eventually('the idle connection to end', () => upstream.links[0]?.ended);
    assert.equal(outbound.ended, false);
    outbound.destroy();
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('inbound lets nobody in any more while a tunnel goes on, whenever it closes', async () => {
    await using upstream = await PeerServer.listen(echo);
    const quietMs = 1_000;
    const quiet = ['--drain-quiet-ms', String(quietMs), '--drain-deadline-ms', '30000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...quiet, '--threads', '2');
    using old = await dial(sidecar.address);
    await talk(old);
    const sinceMs = performance.now();
    sidecar.signal('SIGTERM');
    await eventually('half the quiet time', () => performance.now() - sinceMs > quietMs / 2);
    using fresh = await dial(sidecar.address);
    await talk(fresh);
    if (process.platform === 'linux') {
      const port = splitAddress(sidecar.address)[1];
      await eventually('the listeners to close', () => !listens(port));
    }
    for (const client of [old, fresh]) {
      await talk(client);
      client.destroy();
    }
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });

  it('every thread closes at once when the application refuses connections', async (t) => {
    if (process.platform !== 'linux') return t.skip('only Linux says who listens');
    await using upstream = await PeerServer.listen(answerAll);
    const quiet = ['--drain-quiet-ms', '15000', '--drain-deadline-ms', '20000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...quiet, '--threads', '2');
    await drain(sidecar);
    await upstream.close();
    const port = splitAddress(sidecar.address)[1];
    // Each thread learns of it by a connection of its own.
    for (let thread = 0; thread < 2; thread++) {
      using client = await dial(sidecar.address);
      await client.send(GET);
      assert.equal(statusOf(await readResponse(client)), 502);
      assert.equal(await client.takeSome(), undefined);
    }
    await eventually('the listeners to close', () => !listens(port));
  });

  it('inbound closes at once when the application refuses connections', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    const quiet = ['--drain-quiet-ms', '15000', '--drain-deadline-ms', '20000'];
    await using sidecar = await Sidecar.inbound(upstream.port, ...quiet);
    await drain(sidecar);
    await upstream.close();
    using client = await dial(sidecar.address);
    await client.send(GET);
    const response = await readResponse(client);
    assert.equal(statusOf(response), 502);
    assert.deepEqual(valuesOf(response.fields, 'connection'), ['close']);
    if (process.platform === 'linux') {
      const port = splitAddress(sidecar.address)[1];
      await eventually('the listener to close', () => !listens(port));
    }
  });

  it('POST /shutdown of the admin port starts it too', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    const { status } = await sidecar.admin('/shutdown', 'POST');
    assert.ok(status >= 200 && status < 300, `status ${status}`);
    assert.deepEqual(await exitOf(sidecar), { code: 0, signal: null });
  });
});
