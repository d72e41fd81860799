/** Upgrades and CONNECT through real sidecars, with Node's own ends and curl. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { eventually, withDeadline } from '../support/deadline.ts';
import { NodeHttp2Server, connectHttp2 } from '../support/node-http2.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { splitAddress } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';
import { ECHO, UpgradeServer } from '../support/upgrade-server.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const WITHOUT_CURL =
  spawnSync('curl', ['-V']).error === undefined ? false : 'curl is not installed';
const { NGHTTP2_CONNECT_ERROR: CONNECT_ERROR } = http2.constants;

/** Sidecars between a client and the server at a port, from the client's. */
const WAYS: Readonly<Record<string, (port: number) => Promise<readonly Sidecar[]>>> = {
  inbound: async (port) => [await Sidecar.inbound(port)],
  outbound: async (port) => [await Sidecar.outbound([port])],
  'two sidecars': async (port) => {
    const inbound = await Sidecar.inbound(port);
    return [await Sidecar.outbound([splitAddress(inbound.address)[1]]), inbound];
  },
  'two sidecars with HTTP/2 between': async (port) => {
    const inbound = await Sidecar.inbound(port, '--forward-protocol', 'http1');
    const to = `web=h2c://${inbound.address}`;
    return [await Sidecar.start('--outbound', '127.0.0.1:0', '--to', to), inbound];
  },
};

interface Upgraded {
  readonly response: http.IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** Asks for an upgrade as Node's client does. */
async function upgrade(address: string, headers: http.OutgoingHttpHeaders = {}): Promise<Upgraded> {
  const [host, port] = splitAddress(address);
  const request = http.request({
    host,
    port,
    path: '/echo?x',
    headers: { host: 'web', connection: 'Upgrade', upgrade: ECHO, ...headers },
  });
  request.end();
  const [response, socket, head] = (await withDeadline(
    'the upgrade',
    once(request, 'upgrade'),
  )) as [http.IncomingMessage, Socket, Buffer];
  return { response, socket, head };
}

/** All that comes until the other side's end. */
async function allOf(socket: NodeJS.ReadableStream, head: Buffer): Promise<Buffer> {
  const chunks = [head];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

for (const [name, open] of Object.entries(WAYS)) {
  describe(`upgrades through ${name}`, () => {
    it('carry bytes exactly, and each half’s end', async () => {
      await using server = await UpgradeServer.listen();
      const sidecars = await open(server.port);
      await using stack = new AsyncDisposableStack();
      for (const sidecar of sidecars) stack.use(sidecar);
      const { response, socket, head } = await upgrade(sidecars[0]!.address);
      assert.deepEqual(
        [response.statusCode, response.headers.upgrade, response.headers.connection],
        [101, ECHO, 'Upgrade'],
      );
      assert.deepEqual(server.asked, [`GET /echo?x ${ECHO}`]);
      const bytes = randomBytes(5 * MIB);
      socket.end(bytes);
      const back = await withDeadline('the echo', allOf(socket, head), 30_000);
      assert.equal(back.subarray(0, 6).toString(), 'hello ');
      assert.equal(hashOf(back.subarray(6)), hashOf(bytes));
      await eventually('the server’s connection to be gone', () => server.open === 0);
    });

    it('carry resets', async () => {
      await using server = await UpgradeServer.listen();
      const sidecars = await open(server.port);
      await using stack = new AsyncDisposableStack();
      for (const sidecar of sidecars) stack.use(sidecar);
      const lost = await upgrade(sidecars[0]!.address);
      const failed = once(lost.socket, 'error');
      server.reset();
      const [error] = (await withDeadline('the reset', failed)) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNRESET');
      const left = await upgrade(sidecars[0]!.address);
      await eventually('the server’s connection', () => server.open === 1);
      left.socket.resetAndDestroy();
      await eventually('the server’s connection to be gone', () => server.open === 0);
    });
  });
}

describe('an upgrade that the server does not grant', () => {
  it('is answered as the server says, and the next request is served', async () => {
    await using server = await UpgradeServer.listen();
    await using sidecar = await Sidecar.inbound(server.port);
    const [host, port] = splitAddress(sidecar.address);
    const headers = { host: 'web', connection: 'Upgrade', upgrade: 'other' };
    const refused = http.request({ host, port, headers });
    refused.end();
    const [response] = (await once(refused, 'response')) as [http.IncomingMessage];
    assert.equal(response.statusCode, 426);
    response.resume();
    const plain = http.request({ host, port, headers: { host: 'web' } });
    plain.end();
    const [next] = (await once(plain, 'response')) as [http.IncomingMessage];
    assert.equal(await text(next), 'plain');
  });

  it('is 501 where the upstream speaks HTTP/2 without extended CONNECT', async () => {
    await using server = await NodeHttp2Server.listen((stream) => stream.respond());
    await using sidecar = await Sidecar.start(
      '--outbound',
      '127.0.0.1:0',
      '--to',
      `web=h2c://127.0.0.1:${server.port}`,
    );
    const [host, port] = splitAddress(sidecar.address);
    const request = http.request({
      host,
      port,
      headers: { host: 'web', connection: 'Upgrade', upgrade: ECHO },
    });
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.statusCode, 501);
    assert.match(String(response.headers['culvert-proxy-error']), /RFC 8441/);
    response.resume();
    assert.equal(server.requests, 0);
  });
});

describe('extended CONNECT', () => {
  it('of Node’s HTTP/2 client reaches an HTTP/1.1 server as an upgrade', async () => {
    await using server = await UpgradeServer.listen();
    await using sidecar = await Sidecar.inbound(server.port, '--forward-protocol', 'http1');
    const session = await connectHttp2(sidecar.address);
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const stream = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': ECHO,
        ':path': '/e',
        ':authority': 'web',
        ':scheme': 'http',
      },
      { endStream: false },
    );
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    assert.equal(headers[':status'], 200);
    const bytes = randomBytes(MIB);
    stream.end(bytes);
    const back = await withDeadline('the echo', allOf(stream, Buffer.alloc(0)), 30_000);
    assert.equal(hashOf(back.subarray(6)), hashOf(bytes));
    assert.deepEqual(server.asked, [`GET /e ${ECHO}`]);
    const cut = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': ECHO,
        ':path': '/e',
        ':authority': 'web',
        ':scheme': 'http',
      },
      { endStream: false },
    );
    await once(cut, 'response');
    const closed = Promise.withResolvers<void>();
    cut.once('close', closed.resolve);
    cut.on('error', () => undefined);
    server.reset();
    await withDeadline('the reset', closed.promise);
    assert.equal(cut.rstCode, CONNECT_ERROR);
    session.destroy();
  });

  it('is granted to more than a connection between sidecars takes, at once and one by one', async () => {
    await using server = await UpgradeServer.listen();
    const few = ['--forward-protocol', 'http1', '--tunnels-per-link-max', '10'];
    await using inbound = await Sidecar.inbound(server.port, ...few);
    const to = `web=h2c://${inbound.address}`;
    await using outbound = await Sidecar.start('--outbound', '127.0.0.1:0', '--to', to);
    const sessions: http2.ClientHttp2Session[] = [];
    const statuses: unknown[] = [];
    /** One caller, with as many tunnels as it may have. */
    const ask = async (count: number): Promise<void> => {
      const session = await connectHttp2(outbound.address);
      sessions.push(session);
      const ends = Array.from({ length: count }, async () => {
        const stream = session.request(
          {
            ':method': 'CONNECT',
            ':protocol': ECHO,
            ':path': '/e',
            ':authority': 'web',
            ':scheme': 'http',
          },
          { endStream: false },
        );
        stream.on('error', () => undefined);
        const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        statuses.push(headers[':status']);
      });
      await withDeadline('the answers', Promise.all(ends), 20_000);
    };
    await ask(1);
    await Promise.all([ask(25), ask(24)]);
    for (let i = 0; i < 30; i++) await ask(1);
    assert.deepEqual(
      statuses.filter((status) => status !== 200),
      [],
    );
    assert.equal(server.open, 80);
    for (const session of sessions) session.destroy();
    await eventually('the tunnels to end', () => server.open === 0);
  });

  it('reaches Node’s HTTP/2 server from an HTTP/1.1 client', async () => {
    await using server = await NodeHttp2Server.listen(
      (stream, headers) => {
        stream.respond({ ':status': 200, 'x-protocol': headers[':protocol'] });
        stream.pipe(stream);
      },
      { settings: { enableConnectProtocol: true } },
    );
    await using sidecar = await Sidecar.start(
      '--outbound',
      '127.0.0.1:0',
      '--to',
      `web=h2c://127.0.0.1:${server.port}`,
    );
    const { response, socket, head } = await upgrade(sidecar.address);
    assert.equal(response.headers['x-protocol'], ECHO);
    const bytes = randomBytes(MIB);
    socket.end(bytes);
    const back = await withDeadline('the echo', allOf(socket, head), 30_000);
    assert.equal(hashOf(back), hashOf(bytes));
  });
});

describe('CONNECT', () => {
  it('to the outbound listener makes a raw connection for Node’s client', async () => {
    const banner = net.createServer((socket) => socket.end('220 ready\r\n'));
    banner.listen(0, '127.0.0.1');
    await once(banner, 'listening');
    const { port: target } = banner.address() as net.AddressInfo;
    await using sidecar = await Sidecar.start(
      '--outbound',
      '127.0.0.1:0',
      '--to',
      `smtp:25=127.0.0.1:${target}`,
    );
    const [host, port] = splitAddress(sidecar.address);
    const request = http.request({ host, port, method: 'CONNECT', path: 'smtp:25' });
    request.end();
    const [response, socket, head] = (await withDeadline(
      'the grant',
      once(request, 'connect'),
    )) as [http.IncomingMessage, Socket, Buffer];
    assert.equal(response.statusCode, 200);
    assert.equal((await allOf(socket, head)).toString(), '220 ready\r\n');
    socket.end();
    const closed = once(banner, 'close');
    banner.close();
    await withDeadline('the server to close', closed);
  });

  it('carries what curl asks through it', { skip: WITHOUT_CURL }, async () => {
    await using server = await UpgradeServer.listen();
    await using sidecar = await Sidecar.outbound([server.port]);
    const proxy = ['--proxytunnel', '--proxy', `http://${sidecar.address}`];
    const { stdout } = await run('curl', [
      '-sS',
      '-m',
      '10',
      ...proxy,
      'http://web/a',
      'http://web/b',
    ]);
    assert.equal(stdout, 'plainplain');
    assert.deepEqual(server.asked, ['GET /a -', 'GET /b -']);
    const refused = run('curl', ['-sS', '-m', '10', ...proxy, 'http://nobody/']);
    await assert.rejects(refused, /CONNECT tunnel failed, response 404|Received HTTP code 404/);
  });

  it('passes through inbound to an application that is a proxy itself', async () => {
    await using server = await UpgradeServer.listen();
    await using sidecar = await Sidecar.inbound(server.port);
    const [host, port] = splitAddress(sidecar.address);
    const request = http.request({ host, port, method: 'CONNECT', path: 'elsewhere:443' });
    request.end();
    const [response, socket, head] = (await withDeadline(
      'the grant',
      once(request, 'connect'),
    )) as [http.IncomingMessage, Socket, Buffer];
    assert.equal(response.statusCode, 200);
    assert.deepEqual(server.asked, ['CONNECT elsewhere:443 -']);
    socket.end('bytes');
    assert.equal((await allOf(socket, head)).toString(), 'bytes');
  });
});

describe('a tunnel', () => {
  it('is counted once, when it is granted, by the time that took', async () => {
    await using server = await UpgradeServer.listen();
    await using sidecar = await Sidecar.inbound(server.port);
    const { socket, head } = await upgrade(sidecar.address);
    const counted = { direction: 'inbound', status_code: '101', classification: 'success' };
    const samples = async () => parseSamples((await sidecar.admin('/metrics')).text);
    await eventually('the answer to be counted', async () => {
      return sumOf(await samples(), 'response_total', counted) === 1;
    });
    const bytes = Buffer.alloc(MIB, 'x');
    socket.end(bytes);
    await allOf(socket, head);
    const after = await samples();
    assert.equal(sumOf(after, 'response_total', { direction: 'inbound' }), 1);
    assert.equal(sumOf(after, 'proxy_errors_total', {}), 0);
    assert.ok(sumOf(after, 'tcp_read_bytes_total', { direction: 'inbound', peer: 'src' }) >= MIB);
  });
});
