/** The client against servers that are not ours, on sockets: grpc-js, HTTP/1.1, and none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type handleBidiStreamingCall,
  compressionAlgorithms,
} from '@grpc/grpc-js';
import { eventually } from '../../../test/support/deadline.ts';
import { ECHO } from '../../../test/support/grpc-memory.ts';
import { describeStatus } from '../../codec/grpc/status.ts';
import { resolveBySystem } from '../../route/dns.ts';
import { mainSockets } from '../../transport/main-sockets.ts';
import type { GrpcCall } from './grpc-call.ts';
import type { GrpcConnection } from './grpc-connection.ts';
import { GrpcDial } from './grpc-dial.ts';

type Talk = ServerDuplexStream<string, string>;

const MIB = 1024 * 1024;
/** grpc-js refuses longer ones unless told. */
const OPTIONS = { 'grpc.max_receive_message_length': 16 * MIB };

const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const toText = (bytes: Buffer): string => bytes.toString('latin1');

interface Bench {
  readonly server: Server;
  readonly talks: Talk[];
  readonly port: number;
}

async function serve(t: TestContext, options: object = {}, host = '127.0.0.1'): Promise<Bench> {
  const server = new Server({ ...OPTIONS, ...options });
  const talks: Talk[] = [];
  const handle: handleBidiStreamingCall<string, string> = (talk) => {
    talk.on('error', () => undefined);
    talks.push(talk);
  };
  const codec = {
    requestSerialize: toBytes,
    requestDeserialize: toText,
    responseSerialize: toBytes,
    responseDeserialize: toText,
  };
  const talk = { path: ECHO.path, requestStream: true, responseStream: true, ...codec };
  server.addService({ talk }, { talk: handle });
  t.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, talks, port };
}

class Client {
  readonly messages: string[] = [];
  readonly events: string[] = [];
  connection: GrpcConnection | undefined = undefined;
  call: GrpcCall<string, string> | undefined = undefined;

  constructor(t: TestContext, port: number, host = '127.0.0.1', path = ECHO.path) {
    const parts = { ...mainSockets(), resolve: resolveBySystem, random: () => 0 };
    const dial = new GrpcDial(
      parts,
      { host, port },
      {
        opened: (connection) => {
          this.connection = connection;
          this.call = connection.call(
            { ...ECHO, path },
            {
              message: (text) => this.messages.push(text),
              drained: () => this.events.push('drained'),
              ended: (status) => this.events.push(`ended ${describeStatus(status)}`),
            },
          );
        },
        failed: (reason) => this.events.push(`failed ${reason}`),
        leaving: () => this.events.push('leaving'),
      },
    );
    t.after(() => {
      this.call?.cancel();
      dial.close();
    });
  }

  ended(): Promise<string> {
    return eventually('the end', () => this.events.find((event) => /^(ended|failed)/.test(event)));
  }
}

async function talkWith(
  t: TestContext,
  options?: object,
): Promise<Bench & { client: Client; talk: Talk }> {
  const bench = await serve(t, options);
  const client = new Client(t, bench.port);
  const talk = await eventually('the call', () => bench.talks[0]);
  return { ...bench, client, talk };
}

test('gRPC client and grpc-js exchange messages of any size, both ways', async (t) => {
  const { client, talk } = await talkWith(t);
  const texts = ['', 'a', 'b'.repeat(16_379), 'c'.repeat(70_000), 'd'.repeat(5 * MIB)];
  const heard: string[] = [];
  talk.on('data', (text: string) => {
    heard.push(text);
    talk.write(text);
  });
  for (const text of texts) client.call?.write(text);
  await eventually('all of it', () => client.messages.length === texts.length);
  assert.ok(heard.every((text, i) => text === texts[i]));
  assert.ok(client.messages.every((text, i) => text === texts[i]));
  talk.end();
  assert.equal(await client.ended(), 'ended OK: OK');
});

test('gRPC client refuses a message above 16 MiB with a reason', async (t) => {
  const { client, talk } = await talkWith(t, { 'grpc.max_send_message_length': -1 });
  talk.write('a'.repeat(16 * MIB + 1));
  const reason = 'A message has 16777217 bytes, and at most 16777216 are taken.';
  assert.equal(await client.ended(), `ended RESOURCE_EXHAUSTED: ${reason}`);
  await eventually('the server to see the end', () => talk.cancelled);
});

test('gRPC client hears that a server does not read, and that it does again', async (t) => {
  const { client, talk } = await talkWith(t);
  talk.pause();
  const text = 'a'.repeat(10_000);
  let sent = 0;
  for (let writable: boolean | undefined = true; writable === true; sent++) {
    assert.ok(sent < 1_000, 'it takes no end');
    writable = client.call?.write(text);
    await new Promise(setImmediate);
  }
  assert.deepEqual(client.events, []);
  let heard = 0;
  talk.on('data', () => heard++);
  talk.resume();
  await eventually('the rest', () => heard === sent);
  assert.deepEqual(client.events, ['drained']);
});

test('gRPC client hears the status of a server in its own words', async (t) => {
  const { client, talk } = await talkWith(t);
  talk.emit('error', { code: 9, details: 'protocol 2 — «no»', metadata: new Metadata() });
  assert.equal(await client.ended(), 'ended FAILED_PRECONDITION: protocol 2 — «no»');
});

test('gRPC client hears that there is no such method', async (t) => {
  const { port } = await serve(t);
  const client = new Client(t, port, '127.0.0.1', '/test.Echo/Other');
  assert.match(await client.ended(), /^ended UNIMPLEMENTED: /);
});

test('gRPC client is sent nothing compressed, as it said', async (t) => {
  const { client, talk } = await talkWith(t, {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
  talk.write('a'.repeat(10_000));
  await eventually('the message', () => client.messages.length === 1);
});

test('gRPC client cancels what the server still sends', async (t) => {
  const { client, talk } = await talkWith(t);
  talk.write('one');
  await eventually('a message', () => client.messages.length === 1);
  client.call?.cancel();
  await eventually('the server to see the end', () => talk.cancelled);
  assert.deepEqual(client.events, []);
});

test('gRPC client of a server that dies mid-stream says so', async (t) => {
  const { client, server, talk } = await talkWith(t);
  talk.write('one');
  await eventually('a message', () => client.messages.length === 1);
  server.forceShutdown();
  assert.match(await client.ended(), /^ended (UNAVAILABLE|CANCELLED): /);
});

test('gRPC client hears GOAWAY of a server that shuts down in order', async (t) => {
  const { client, server, talk } = await talkWith(t);
  server.tryShutdown(() => undefined);
  await eventually('GOAWAY', () => client.events.includes('leaving'));
  talk.write('last');
  await eventually('the last message', () => client.messages.length === 1);
  talk.end();
  assert.equal(await client.ended(), 'ended OK: OK');
});

test('gRPC client reaches a server by name, and over IPv6', async (t) => {
  const named = await serve(t);
  const byName = new Client(t, named.port, 'localhost');
  await eventually('the call', () => named.talks[0]);
  assert.deepEqual(byName.events, []);
  const six = await serve(t, {}, '[::1]');
  const overSix = new Client(t, six.port, '::1');
  await eventually('the call', () => six.talks[0]);
  assert.deepEqual(overSix.events, []);
});

test('gRPC client says of a server of HTTP/1.1 that it is none', async (t) => {
  const server = http
    .createServer((_request, response) => void response.end('hello'))
    .listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const client = new Client(t, (server.address() as net.AddressInfo).port);
  assert.match(
    await client.ended(),
    /^failed 127\.0\.0\.1:\d+ (broke HTTP\/2: The first frame was not SETTINGS|ended the connection before it said SETTINGS)\.$/,
  );
});

test('gRPC client says that nobody listens, and that no host has the name', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  const refused = new Client(t, port);
  assert.equal(await refused.ended(), `failed Cannot connect to 127.0.0.1:${port}: ECONNREFUSED.`);
  const nobody = new Client(t, port, 'controller.invalid');
  assert.match(
    await nobody.ended(),
    /^failed (No service and no host is named|The name service failed for|No answer from the name service about) controller\.invalid/,
  );
});
