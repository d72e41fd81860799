/** WebSockets of independent libraries through one sidecar and two, over both protocols. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { WebSocket as WsWebSocket, WebSocketServer as WsServer } from 'ws';
import { withDeadline } from '../support/deadline.ts';
import { Sidecar } from '../support/sidecar.ts';
import { WebSocketServer } from '../support/websocket-server.ts';

/** Clients name the sidecar itself: it has their connections for this host go to `address`. */
const outboundTo = (address: string): Promise<Sidecar> =>
  Sidecar.start('--outbound', '127.0.0.1:0', '--to', `127.0.0.1=${address}`);

/** Sidecars between a client and the server at a port, from the client's. */
const WAYS: Readonly<Record<string, (port: number) => Promise<readonly Sidecar[]>>> = {
  'one sidecar': async (port) => [await Sidecar.inbound(port)],
  'two sidecars': async (port) => {
    const inbound = await Sidecar.inbound(port);
    return [await outboundTo(inbound.address), inbound];
  },
  'two sidecars with HTTP/2 between': async (port) => {
    const inbound = await Sidecar.inbound(port, '--forward-protocol', 'http1');
    return [await outboundTo(`h2c://${inbound.address}`), inbound];
  },
};

/** A client of some library: what it sends comes back, one after the other. */
interface Client {
  readonly protocol: string;
  echo(message: string | Buffer): Promise<string | Buffer>;
  /** The closing handshake; gives the code of the other side. */
  close(): Promise<number>;
}

/** Node's own, which is undici's. */
async function nodeClient(address: string): Promise<Client> {
  const socket = new WebSocket(`ws://${address}/chat?x`, ['one', 'two']);
  socket.binaryType = 'arraybuffer';
  await withDeadline('the WebSocket to open', once(socket, 'open'));
  return {
    protocol: socket.protocol,
    async echo(message) {
      const came = once(socket, 'message');
      socket.send(typeof message === 'string' ? message : new Uint8Array(message));
      const [event] = (await withDeadline('a message', came)) as [{ data: string | ArrayBuffer }];
      return typeof event.data === 'string' ? event.data : Buffer.from(event.data);
    },
    async close() {
      const closed = once(socket, 'close');
      socket.close(4_000);
      const [event] = (await withDeadline('the close', closed)) as [CloseEvent];
      assert.equal(event.wasClean, true);
      return event.code;
    },
  };
}

async function wsClient(address: string): Promise<Client> {
  const socket = new WsWebSocket(`ws://${address}/chat?x`, ['one', 'two']);
  await withDeadline('the WebSocket to open', once(socket, 'open'));
  return {
    protocol: socket.protocol,
    async echo(message) {
      const came = once(socket, 'message');
      socket.send(message);
      const [data, binary] = (await withDeadline('a message', came)) as [Buffer, boolean];
      return binary ? data : data.toString();
    },
    async close() {
      const closed = once(socket, 'close');
      socket.close(4_000);
      const [code] = (await withDeadline('the close', closed)) as [number];
      return code;
    },
  };
}

/** A server of the package that echoes; it takes the first subprotocol that is offered. */
async function wsServer(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = new WsServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await withDeadline('the server of ws to close', closed.promise);
    },
  };
}

/** Messages of every length of the format, both kinds, and the closing handshake. */
async function converse(client: Client): Promise<void> {
  assert.equal(client.protocol, 'one');
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
    const bytes = randomBytes(size);
    assert.deepEqual(await client.echo(bytes), bytes, `${size} bytes`);
  }
  for (const text of ['', 'a', 'wéb ✓']) assert.equal(await client.echo(text), text);
  assert.equal(await client.close(), 4_000);
}

const CLIENTS = { 'Node’s client': nodeClient, 'the client of ws': wsClient } as const;
const SERVERS = {
  'a server of the test': () => WebSocketServer.listen(),
  'the server of ws': wsServer,
};

for (const [way, open] of Object.entries(WAYS)) {
  describe(`WebSockets through ${way}`, () => {
    for (const [clientName, connect] of Object.entries(CLIENTS)) {
      for (const [serverName, listen] of Object.entries(SERVERS)) {
        it(`of ${clientName} to ${serverName}`, async () => {
          await using server = await listen();
          const sidecars = await open(server.port);
          await using stack = new AsyncDisposableStack();
          for (const sidecar of sidecars) stack.use(sidecar);
          await converse(await connect(sidecars[0]!.address));
        });
      }
    }
  });
}
