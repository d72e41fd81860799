import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import { residentBytes } from '../support/kernel-sockets.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { headOf, okAnswer, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { Random, seedOfRun } from '../support/random.ts';
import { dial, PeerServer, unusedPort, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');

async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

/** Ends when its client does. */
async function hearOut(link: PeerLink): Promise<void> {
  await link.untilEnded().catch(() => undefined);
  link.destroy();
}

async function openConnections(sidecar: Sidecar): Promise<number> {
  const samples = parseSamples((await sidecar.admin('/metrics')).text);
  return sumOf(samples, 'tcp_open_connections');
}

async function expectServed(address: string): Promise<void> {
  using client = await dial(address);
  await client.send(GET);
  assert.equal(statusOf(await readResponse(client)), 200);
}

describe('admin port', () => {
  it('says that it lives, is ready, and what it holds', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    assert.equal((await sidecar.admin('/live')).status, 200);
    assert.equal((await sidecar.admin('/ready')).status, 200);
    const config = await sidecar.admin('/config.json');
    assert.equal(config.status, 200);
    assert.equal(typeof JSON.parse(config.text), 'object');
    const metrics = await sidecar.admin('/metrics');
    assert.equal(metrics.status, 200);
    assert.ok(parseSamples(metrics.text).some(({ name }) => name.startsWith('process_')));
    assert.equal((await sidecar.admin('/nothing')).status, 404);
  });

  it('changes the log level, and refuses one that does not exist', async () => {
    await using sidecar = await Sidecar.inbound(await unusedPort());
    const good = await sidecar.admin('/log-level', 'PUT', 'debug');
    assert.ok(good.status === 200 || good.status === 204, `status ${good.status}`);
    assert.equal((await sidecar.admin('/log-level', 'PUT', 'loud')).status, 400);
    assert.equal((await sidecar.admin('/shutdown', 'GET')).status, 405);
    assert.equal((await sidecar.admin('/live')).status, 200);
  });
});

describe('settings that are wrong', () => {
  for (const [name, args] of [
    ['--inbound', ['--inbound', 'nowhere', '--forward', '127.0.0.1:1']],
    ['--forward', ['--inbound', '127.0.0.1:0']],
    ['--no-such-setting', ['--no-such-setting', '1']],
    ['--to', ['--outbound', '127.0.0.1:0', '--to', 'web']],
    ['--threads', ['--inbound', '127.0.0.1:0', '--forward', '127.0.0.1:1', '--threads', '0']],
  ] as const) {
    it(`stop the start with a line that names them: ${args.join(' ')}`, async () => {
      await using sidecar = Sidecar.spawn(...args);
      const exit = await withDeadline('the sidecar to exit', sidecar.exited);
      assert.deepEqual(exit, { code: 64, signal: null });
      assert.ok(sidecar.stderr.includes(name), sidecar.stderr);
      assert.equal(sidecar.stderr.includes('    at '), false, 'a stack trace');
    });
  }

  it('an address in use stops the start with a sentence', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    const taken = `127.0.0.1:${upstream.port}`;
    await using sidecar = Sidecar.spawn(
      '--inbound',
      taken,
      '--forward',
      taken,
      '--admin',
      '127.0.0.1:0',
    );
    const { code } = await withDeadline('the sidecar to exit', sidecar.exited);
    assert.notEqual(code, 0);
    assert.match(sidecar.stderr, new RegExp(`${upstream.port}`));
  });
});

describe('connections that mean no good', () => {
  it('garbage on every port of HTTP gives 400 and a closed connection, and nothing else', async () => {
    const random = new Random(seedOfRun());
    await using upstream = await PeerServer.listen(answerAll);
    await using inbound = await Sidecar.inboundOf('http1', upstream.port);
    await using outbound = await Sidecar.outbound([upstream.port]);
    const ports = [inbound.address, outbound.address, inbound.ready.admin];
    const { length: linksBefore } = upstream.links;
    for (const address of ports) {
      for (let count = 0; count < 20; count++) {
        using client = await dial(address);
        // No letter first, so that it cannot begin a request line; a line end, so that it is judged.
        const garbage = Buffer.concat([
          Buffer.from([0x16]),
          random.bytes(200),
          Buffer.from('\r\n'),
        ]);
        await client.send(garbage);
        const answer = (await client.untilEnded()).toString('latin1');
        assert.match(answer, /^HTTP\/1\.1 400 /, address);
      }
    }
    assert.equal(upstream.links.length, linksBefore);
    await expectServed(inbound.address);
    await expectServed(outbound.address);
    assert.equal((await inbound.admin('/live')).status, 200);
  });

  it('half of a request and then a reset leaves nothing behind', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inboundOf('http1', upstream.port);
    for (const part of ['', 'G', 'GET / HTTP/1.1\r\nHo', 'GET / HTTP/1.1\r\nHost: web\r\n']) {
      for (const address of [sidecar.address, sidecar.ready.admin]) {
        for (let count = 0; count < 10; count++) {
          const client = await dial(address);
          if (part !== '') await client.send(part);
          if (count % 2 === 0) client.reset();
          else client.destroy();
        }
      }
    }
    assert.equal(upstream.links.length, 0);
    await eventually('no open connection', async () => (await openConnections(sidecar)) === 0);
    await expectServed(sidecar.address);
  });

  it('half of a line and then an end, where anything may be spoken, leaves nothing behind', async () => {
    await using upstream = await PeerServer.listen(hearOut);
    await using sidecar = await Sidecar.inbound(upstream.port);
    for (const part of ['', 'G', 'GET / HTTP/1.1\r\nHo', '\x16\x03\x01']) {
      for (let count = 0; count < 10; count++) {
        const client = await dial(sidecar.address);
        if (part !== '') await client.send(part);
        if (count % 2 === 0) client.reset();
        else client.destroy();
      }
    }
    await eventually('no open connection', async () => (await openConnections(sidecar)) === 0);
    await eventually('no link to the application', () => upstream.openLinks.length === 0);
  });

  it('a client that is too slow with its head gets 408', async () => {
    await using sidecar = await Sidecar.inbound(await unusedPort());
    using client = await dial(sidecar.address);
    await client.send('GET / HTTP/1.1\r\nHo');
    assert.match((await client.untilEnded()).toString('latin1'), /^HTTP\/1\.1 408 /);
  });

  it('500 idle connections cost little and do not stop others', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    await expectServed(sidecar.address);
    const rssBefore = process.platform === 'linux' ? residentBytes(sidecar.ready.pid) : 0;
    const clients: PeerLink[] = [];
    try {
      for (let count = 0; count < 500; count++) {
        const client = await dial(sidecar.address, { record: false });
        clients.push(client);
        await client.send(GET);
        assert.equal(statusOf(await readResponse(client)), 200);
      }
      await expectServed(sidecar.address);
      const open = await openConnections(sidecar);
      assert.ok(open >= 500, `${open} open connections`);
      if (process.platform === 'linux') {
        const growth = residentBytes(sidecar.ready.pid) - rssBefore;
        assert.ok(growth < 500 * 65_536, `resident memory grew by ${growth} bytes`);
      }
    } finally {
      for (const client of clients) client.destroy();
    }
    const message = 'no open connection but pooled ones, then none';
    await eventually(message, async () => (await openConnections(sidecar)) === 0, 10_000);
  });
});
