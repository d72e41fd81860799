/** The generator's gRPC against a real server: what it says, and what it makes of the answers. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import {
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadPlan } from '../../test/support/load-plan.ts';
import { Generator } from './generator.ts';
import type { LoadPlan, LoadResult, RequestShape } from './plan.ts';

const skip = process.platform === 'linux' ? false : 'the generator needs Linux';
const MESSAGE_BYTES = 40;
const MESSAGES = 10;

const same = (bytes: Buffer): Buffer => bytes;
const shape = (path: string, messages: number): RequestShape => ({
  method: 'POST',
  path,
  bodyBytes: 0,
  weight: 1,
  grpc: { messageBytes: MESSAGE_BYTES, messages },
});
const UNARY = [shape('/bench.v1.Bench/One', 1), shape('/bench.v1.Bench/Other', 1)];
const STREAM = [shape('/bench.v1.Bench/Stream', MESSAGES)];

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Answer = (call: Unary, done: sendUnaryData<Buffer>) => void;

const errorsOf = ({ errors }: LoadResult): number =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);

suite('gRPC of the generator', { skip }, () => {
  let generator: Generator;
  let server: Server;
  let port = 0;
  let answer: Answer;
  let converse: (stream: ServerDuplexStream<Buffer, Buffer>) => void;
  before(async () => {
    generator = await Generator.start(undefined);
    server = new Server();
    const codec = [same, same] as const;
    for (const { path } of UNARY) {
      server.register(
        path,
        (call: Unary, done: sendUnaryData<Buffer>) => answer(call, done),
        ...codec,
        'unary',
      );
    }
    server.register(
      STREAM[0]!.path,
      (call: ServerDuplexStream<Buffer, Buffer>) => converse(call),
      ...codec,
      'bidi',
    );
    const { promise, reject, resolve } = Promise.withResolvers<number>();
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
    port = await promise;
  });
  after(async () => {
    server?.forceShutdown();
    await generator?.stop();
  });

  const load = (changes: Partial<LoadPlan>): Promise<LoadResult> =>
    generator.run(
      loadPlan(
        { host: '127.0.0.1', port },
        { protocol: 'http2', streamsPerConnection: 8, connections: 2, durationMs: 300, ...changes },
      ),
    );

  test('asks as a caller of today, never twice the same', async () => {
    const traces = new Set<string>();
    const tokens = new Set<string>();
    const paths = new Set<string>();
    const deadlines = new Set<number>();
    let asked = 0;
    answer = (call, done) => {
      asked++;
      const { metadata, request } = call;
      const said = (name: string): string => String(metadata.get(name)[0]);
      assert.match(said('traceparent'), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.match(said('authorization'), /^Bearer [\w-]{193}$/);
      assert.match(said('user-agent'), /^grpc-bench/);
      assert.equal(call.getHost(), 'web');
      const left = Number(call.getDeadline()) - Date.now();
      assert.ok(left > 2_000 && left <= 5_000, `${left} ms`);
      traces.add(said('traceparent'));
      tokens.add(said('authorization'));
      paths.add(call.getPath());
      deadlines.add(left);
      assert.deepEqual(request, Buffer.alloc(MESSAGE_BYTES, 'x'));
      done(null, request);
    };
    const result = await load({ requests: UNARY });
    assert.deepEqual(Object.keys(result.errors), []);
    assert.ok(result.answered > 50, `${result.answered} answers`);
    assert.ok(asked >= result.answered);
    assert.equal(traces.size, asked);
    assert.ok(tokens.size > 15 && tokens.size <= 50, `${tokens.size} users`);
    assert.equal(paths.size, 2);
    assert.ok(deadlines.size > 1);
  });

  test('counts all answers of an open loop', async () => {
    answer = ({ request }, done) => done(null, request);
    const arrival = { kind: 'poisson', perSecond: 500 } as const;
    const result = await load({ requests: UNARY, arrival });
    assert.deepEqual(result.errors, {});
    assert.equal(result.answered, result.due);
  });

  test('counts what is no good answer by its status, in trailers and in a lone head', async () => {
    let n = 0;
    answer = ({ request }, done) => {
      n++;
      if (n % 4 === 1) done({ code: status.UNAVAILABLE, details: 'ä' });
      else if (n % 4 === 2) done(null, Buffer.alloc(MESSAGE_BYTES + 1));
      else done(null, request);
    };
    const lost: RequestShape = shape('/bench.v1.Bench/Nobody', 1);
    const result = await load({ requests: [...UNARY, lost], connections: 1 });
    assert.deepEqual(Object.keys(result.errors).toSorted(), [
      'body length',
      'grpc-status 12',
      'grpc-status 14',
    ]);
    assert.equal(result.answered + errorsOf(result), result.sent);
    assert.ok(result.completed < result.sent);
  });

  test('sends each message of a call when the one before was answered', async () => {
    const lengths: number[] = [];
    let most = 0;
    converse = (stream) => {
      let messages = 0;
      let underWay = 0;
      stream.on('data', (message: Buffer) => {
        messages++;
        most = Math.max(most, ++underWay);
        setImmediate(() => {
          underWay--;
          stream.write(message);
        });
      });
      stream.on('end', () => {
        if (!stream.cancelled) lengths.push(messages);
        setImmediate(() => stream.end());
      });
    };
    const result = await load({ requests: STREAM, durationMs: 500 });
    assert.deepEqual(Object.keys(result.errors), []);
    assert.ok(result.answered > 50, `${result.answered} messages`);
    assert.equal(most, 1);
    const whole = lengths.filter((length) => length === MESSAGES).length;
    assert.ok(whole > 5, `${whole} calls`);
    // The others are of calls that the end of the run cut.
    assert.ok(lengths.length - whole <= 2 * 8, `${lengths.length - whole} calls are cut`);
    // A message is what is counted, each once.
    assert.ok(result.answered >= (whole - 2 * 8) * MESSAGES);
  });

  test('keeps its calls over an open loop', async () => {
    let calls = 0;
    converse = (stream) => {
      calls++;
      stream.on('data', (message: Buffer) => stream.write(message));
      stream.on('end', () => stream.end());
    };
    const arrival = { kind: 'fixed', perSecond: 400 } as const;
    const result = await load({ requests: STREAM, arrival, durationMs: 500 });
    assert.deepEqual(result.errors, {});
    assert.equal(result.answered, 200);
    // 16 tickets take turns, each with a call of ten messages at a time.
    assert.ok(calls >= 16 && calls <= 48, `${calls} calls`);
  });

  test('counts a call that ends before its time', async () => {
    converse = (stream) => {
      let messages = 0;
      stream.on('data', (message: Buffer) => {
        if (++messages < 3) stream.write(message);
        else stream.emit('error', { code: status.ABORTED, details: 'enough' });
      });
    };
    // A closed loop resets over a thousand calls on a fast machine, which node:http2 takes for an attack.
    const arrival = { kind: 'fixed', perSecond: 400 } as const;
    const result = await load({ requests: STREAM, arrival, durationMs: 500 });
    assert.deepEqual(Object.keys(result.errors), ['grpc-status 10']);
    assert.ok(result.answered > (result.errors['grpc-status 10'] ?? 0));
    assert.equal(result.answered + errorsOf(result), result.sent);
  });
});
