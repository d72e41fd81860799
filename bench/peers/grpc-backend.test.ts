/** The cheap gRPC server against a real client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { Client, Metadata, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { formatSocketAddress } from '../../base/settings.ts';
import type { Backends } from './backend.ts';
import { startGrpcBackends } from './grpc-backend.ts';

const MESSAGE = Buffer.alloc(32, 'x');
const PATH = '/bench.v1.Bench/Call';
const skip = process.platform === 'linux' ? false : 'the server needs Linux';

const same = (bytes: Buffer): Buffer => bytes;

suite('gRPC backend', { skip }, () => {
  let backends: Backends;
  let client: Client;
  before(async () => {
    backends = await startGrpcBackends(2, 0, MESSAGE.length);
    client = new Client(formatSocketAddress(backends.addresses[1]!), credentials.createInsecure());
  });
  after(async () => {
    client?.close();
    await backends?.stop();
  });

  const call = (message: Buffer): Promise<Buffer | undefined> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(PATH, same, same, message, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });

  test('answers unary calls, one after the other and many at a time', async () => {
    assert.deepEqual(await call(MESSAGE), MESSAGE);
    const many = await Promise.all(Array.from({ length: 300 }, () => call(MESSAGE)));
    for (const each of many) assert.deepEqual(each, MESSAGE);
  });

  test('says INTERNAL of a message that is cut', async () => {
    const failed: Promise<unknown> = call(Buffer.alloc(MESSAGE.length + 1));
    await assert.rejects(failed, ({ code }: ServiceError) => code === status.INTERNAL);
    assert.deepEqual(await call(MESSAGE), MESSAGE);
  });

  test('answers each message of a call as it comes', async () => {
    const stream = client.makeBidiStreamRequest(PATH, same, same, new Metadata());
    const ended = once(stream, 'status') as Promise<[{ readonly code: number }]>;
    for (let i = 0; i < 20; i++) {
      stream.write(MESSAGE);
      assert.deepEqual(await once(stream, 'data'), [MESSAGE]);
    }
    stream.end();
    stream.resume();
    assert.equal((await ended)[0].code, status.OK);
  });

  test('sends no more than the windows of its caller', async () => {
    const stream = client.makeBidiStreamRequest(PATH, same, same, new Metadata());
    const count = 20_000;
    let bytes = 0;
    for (let i = 0; i < count; i++) stream.write(MESSAGE);
    stream.end();
    // Before anybody reads, the windows are full.
    await call(MESSAGE);
    stream.on('data', (message: Buffer) => (bytes += message.length));
    const [{ code }] = (await once(stream, 'status')) as [{ readonly code: number }];
    assert.equal(code, status.OK);
    assert.equal(bytes, count * MESSAGE.length);
  });
});
