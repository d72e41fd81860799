/** Tunnels of all kinds while a sidecar drains: they live until its deadline, and are reset then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket as WsWebSocket } from 'ws';
import { eventually, withDeadline } from '../support/deadline.ts';
import { Http2Peer } from '../support/http2-peer.ts';
import { SETTING, lastHeaders, statusBlock, windowUpdate } from '../support/http2-wire.ts';
import { connectHttp2 } from '../support/node-http2.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { headOf } from '../support/raw-http.ts';
import { dial, PeerServer, splitAddress } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';
import { ECHO, UpgradeServer } from '../support/upgrade-server.ts';
import { WebSocketServer } from '../support/websocket-server.ts';

const QUIET_MS = 200;
const DEADLINE_MS = 2_000;
/** Timers end a little early by the clock of another process. */
const EARLY_MS = 100;
const { NGHTTP2_CONNECT_ERROR: CONNECT_ERROR } = http2.constants;

/** A tunnel that is open, to a server that sends back what it gets. */
interface Open {
  readonly sidecar: Sidecar;
  /** Sends something and waits for it to come back. */
  readonly echo: () => Promise<void>;
  /** How it ended. */
  readonly ended: Promise<string>;
  readonly end: () => void;
}

/** Keeps what must go when the test is over. */
type Keep = <T extends AsyncDisposable>(one: T) => T;

const drains = (deadlineMs = DEADLINE_MS): readonly string[] =>
  ['--drain-quiet-ms', QUIET_MS, '--drain-deadline-ms', deadlineMs].map(String);

/** What a socket's error is called, or how else it ended. */
function endOf(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  socket.once('close', () => resolve('closed in order'));
  return promise;
}

function openSocket(sidecar: Sidecar, socket: Socket): Open {
  return {
    sidecar,
    async echo() {
      const echoed = once(socket, 'data');
      socket.write('still there');
      await withDeadline('the echo', echoed);
    },
    ended: endOf(socket),
    end: () => socket.end(),
  };
}

async function upgrade(keep: Keep, deadlineMs?: number): Promise<Open> {
  const server = keep(await UpgradeServer.listen());
  const sidecar = keep(await Sidecar.inbound(server.port, ...drains(deadlineMs)));
  const [host, port] = splitAddress(sidecar.address);
  const headers = { host: 'web', connection: 'Upgrade', upgrade: ECHO };
  const request = http.request({ host, port, headers });
  request.end();
  const [, socket] = (await withDeadline('the upgrade', once(request, 'upgrade'))) as [
    http.IncomingMessage,
    Socket,
  ];
  return openSocket(sidecar, socket);
}

async function connect(keep: Keep, deadlineMs?: number): Promise<Open> {
  const server = keep(await UpgradeServer.listen());
  const sidecar = keep(await Sidecar.outbound([server.port], ...drains(deadlineMs)));
  const [host, port] = splitAddress(sidecar.address);
  const request = http.request({ host, port, method: 'CONNECT', path: 'web:80' });
  request.end();
  const [, socket] = (await withDeadline('the grant', once(request, 'connect'))) as [
    http.IncomingMessage,
    Socket,
  ];
  // The raw connection leads to a server that speaks HTTP: once upgraded it is an echo.
  const upgraded = once(socket, 'data');
  socket.write(`GET / HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: ${ECHO}\r\n\r\n`);
  await withDeadline('the upgrade', upgraded);
  return openSocket(sidecar, socket);
}

async function webSocket(keep: Keep, deadlineMs?: number): Promise<Open> {
  const server = keep(await WebSocketServer.listen());
  const sidecar = keep(await Sidecar.inbound(server.port, ...drains(deadlineMs)));
  const socket = new WsWebSocket(`ws://${sidecar.address}/`);
  await withDeadline('the WebSocket to open', once(socket, 'open'));
  const closed = once(socket, 'close') as Promise<[number]>;
  return {
    sidecar,
    async echo() {
      const echoed = once(socket, 'message');
      socket.send('still there');
      await withDeadline('the echo', echoed);
    },
    ended: closed.then(([code]) => `closed with ${code}`),
    end: () => socket.close(1_000),
  };
}

async function extendedConnect(keep: Keep, deadlineMs?: number): Promise<Open> {
  const server = keep(await UpgradeServer.listen());
  const forward = ['--forward-protocol', 'http1'];
  const sidecar = keep(await Sidecar.inbound(server.port, ...forward, ...drains(deadlineMs)));
  const session = await connectHttp2(sidecar.address);
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': ECHO,
      ':path': '/',
      ':authority': 'web',
      ':scheme': 'http',
    },
    { endStream: false },
  );
  await withDeadline('the grant', once(stream, 'response'));
  stream.on('error', () => undefined);
  const closed = Promise.withResolvers<string>();
  stream.once('close', () => {
    closed.resolve(`reset with ${stream.rstCode}`);
    session.destroy();
  });
  return {
    sidecar,
    async echo() {
      const echoed = once(stream, 'data');
      stream.write('still there');
      await withDeadline('the echo', echoed);
    },
    ended: closed.promise,
    end: () => stream.end(),
  };
}

const KINDS = {
  'an upgrade': [upgrade, 'ECONNRESET'],
  'a CONNECT to the outbound side': [connect, 'ECONNRESET'],
  'a WebSocket': [webSocket, 'closed with 1006'],
  'an extended CONNECT': [extendedConnect, `reset with ${CONNECT_ERROR}`],
} as const;

for (const [kind, [open, reset]] of Object.entries(KINDS)) {
  describe(`the tunnel of ${kind} in a drain`, () => {
    it('lives until the deadline, and is reset then', async () => {
      await using stack = new AsyncDisposableStack();
      const { sidecar, echo, ended } = await open((one) => stack.use(one));
      const sinceMs = performance.now();
      sidecar.signal('SIGTERM');
      await eventually(
        'readiness to fail',
        async () => (await sidecar.admin('/ready')).status === 503,
      );
      // Its listeners close meanwhile.
      while (performance.now() - sinceMs < DEADLINE_MS / 2) await echo();
      assert.equal(await withDeadline('the end of the tunnel', ended), reset);
      assert.ok(performance.now() - sinceMs > DEADLINE_MS - EARLY_MS);
      assert.deepEqual(await withDeadline('the exit', sidecar.exited), { code: 0, signal: null });
      // Nobody was refused anything.
      assert.doesNotMatch(sidecar.stderr, /past-drain/);
    });

    it('keeps it no longer than it lasts itself', async () => {
      await using stack = new AsyncDisposableStack();
      const { sidecar, echo, end } = await open((one) => stack.use(one), 30_000);
      sidecar.signal('SIGTERM');
      await echo();
      end();
      assert.deepEqual(await withDeadline('the exit', sidecar.exited), { code: 0, signal: null });
      assert.doesNotMatch(sidecar.stderr, /WARN|ERROR/);
    });
  });
}

/** Bytes that an outbound sidecar has read from its client, and those that it has given its server. */
async function bytesOf(sidecar: Sidecar): Promise<{ read: number; written: number }> {
  const samples = parseSamples((await sidecar.admin('/metrics')).text);
  const outbound = { direction: 'outbound' };
  return {
    read: sumOf(samples, 'tcp_read_bytes_total', { ...outbound, peer: 'src' }),
    written: sumOf(samples, 'tcp_write_bytes_total', { ...outbound, peer: 'dst' }),
  };
}

it('the last words of a tunnel reach a slow server before a drained sidecar ends', async () => {
  // It ends its half at once, and does not read.
  await using server = await PeerServer.listen((link) => link.halfClose(), { highWaterBytes: 1 });
  await using sidecar = await Sidecar.outbound([server.port], ...drains(20_000));
  using client = await dial(sidecar.address);
  const ask = 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n';
  await client.send(ask);
  assert.match((await client.takeLine()).toString(), /^HTTP\/1\.1 200 /);
  // Two of them unsent do not stop the sidecar from reading on, to the client's end.
  const piece = Buffer.alloc(16 * 1_024, 'x');
  let sent = 0;
  // Until the kernel takes no more for the server: what the client says from there on waits here.
  await eventually(
    'bytes to wait in the sidecar',
    async () => {
      await client.send(piece);
      sent += piece.length;
      const { written } = await eventually('the sidecar to read', async () => {
        const now = await bytesOf(sidecar);
        return now.read === ask.length + sent ? now : undefined;
      });
      return written < sent;
    },
    30_000,
  );
  client.halfClose();
  await client.untilEnded();
  const sinceMs = performance.now();
  sidecar.signal('SIGTERM');
  await eventually('the quiet time to be over', () => performance.now() - sinceMs > 5 * QUIET_MS);
  const [link] = server.links;
  let came = 0;
  for (let some = await link?.takeSome(); some !== undefined; some = await link?.takeSome()) {
    came += some.length;
  }
  assert.equal(came, sent);
  assert.deepEqual(await withDeadline('the exit', sidecar.exited), { code: 0, signal: null });
});

it('the last words of a tunnel wait for the window of an HTTP/2 server before a drained sidecar ends', async () => {
  const opened = Promise.withResolvers<Http2Peer>();
  await using server = await PeerServer.listen(async (link) => {
    const peer = await Http2Peer.accept(link, {
      settings: [
        [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
        [SETTING.INITIAL_WINDOW_SIZE, 4],
      ],
    });
    const { stream } = await peer.nextHead();
    void peer.send(lastHeaders(stream, statusBlock(200)));
    opened.resolve(peer);
  });
  await using sidecar = await Sidecar.inboundOf('http2', server.port, ...drains(20_000));
  using client = await dial(sidecar.address);
  await client.send(headOf('GET / HTTP/1.1', 'Host: web', 'Connection: Upgrade', 'Upgrade: x'));
  assert.match((await client.takeLine()).toString(), /^HTTP\/1\.1 101 /);
  await client.send('last words');
  client.halfClose();
  await client.untilEnded();
  const peer = await withDeadline('the tunnel at the server', opened.promise);
  const sinceMs = performance.now();
  sidecar.signal('SIGTERM');
  await eventually('the quiet time to be over', () => performance.now() - sinceMs > 5 * QUIET_MS);
  void peer.send(windowUpdate(1, 100));
  assert.equal((await peer.message(1)).body.toString(), 'last words');
  assert.deepEqual(await withDeadline('the exit', sidecar.exited), { code: 0, signal: null });
});
