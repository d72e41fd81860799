/** The generator's HTTP/2 against Node's own server, in all that a server may do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { loadPlan } from '../../test/support/load-plan.ts';
import { Generator } from './generator.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

const skip = process.platform === 'linux' ? false : 'the generator needs Linux';

/** For answers that wait for windows: above what Node's server takes by itself. */
const MEMORY_MB = 1_000;

type Answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** Small: 200, two bytes. */
const ok: Answer = (stream) => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

/** A server whose requests `answer` answers, and its sessions. */
class Server implements AsyncDisposable {
  readonly sessions = new Set<http2.ServerHttp2Session>();
  /** Sessions so far. */
  opened = 0;
  readonly #server: http2.Http2Server;

  private constructor(answer: Answer, settings: http2.Settings) {
    this.#server = http2.createServer({ settings, maxSessionMemory: MEMORY_MB });
    this.#server.on('session', (session) => {
      this.opened++;
      this.sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.sessions.delete(session));
    });
    this.#server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined);
      answer(stream, headers);
    });
  }

  static async listen(answer: Answer, settings: http2.Settings = {}): Promise<Server> {
    const server = new Server(answer, settings);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get to() {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

const errorsOf = ({ errors }: LoadResult): number =>
  Object.values(errors).reduce((sum, count) => sum + count, 0);

suite('HTTP/2 of the generator', { skip }, () => {
  let generator: Generator;
  before(async () => {
    generator = await Generator.start(undefined);
  });
  after(() => generator.stop());

  const load = (server: Server, changes: Partial<LoadPlan> = {}): Promise<LoadResult> =>
    generator.run(loadPlan(server.to, { protocol: 'http2', streamsPerConnection: 16, ...changes }));

  test('asks on as many streams at a time as the plan says', async () => {
    let most = 0;
    let underWay = 0;
    let asked = 0;
    const held: http2.ServerHttp2Stream[] = [];
    await using server = await Server.listen((stream, headers) => {
      assert.equal(headers[':authority'], 'web');
      assert.equal(headers[':scheme'], 'http');
      most = Math.max(most, ++underWay);
      held.push(stream);
      // The first of a connection comes alone.
      if (++asked > 1 && held.length < 16) return;
      for (const one of held.splice(0)) {
        underWay--;
        ok(one, {});
      }
    });
    const result = await load(server, { durationMs: 200 });
    assert.equal(most, 16);
    assert.ok(result.answered > 100);
    // Those that the server holds when the run ends.
    assert.ok((result.errors['unanswered'] ?? 0) < 16);
    assert.equal(server.opened, 1);
  });

  test('counts all answers of an open loop, on several connections', async () => {
    await using server = await Server.listen(ok);
    const requests = [
      { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: 2 },
    ] as const;
    const arrival = { kind: 'poisson', perSecond: 2_000 } as const;
    const result = await load(server, { requests, arrival, connections: 4, durationMs: 300 });
    assert.deepEqual(result.errors, {});
    assert.equal(result.answered, result.due);
    assert.ok(result.due > 400);
    assert.equal(server.opened, 4);
  });

  test('sends each shape by its weight, with its body, through small windows', async () => {
    const seen: Record<string, number> = {};
    const answer: Answer = (stream, headers) => {
      const name = `${headers[':method']} ${headers[':path']}`;
      let size = 0;
      stream.on('data', (chunk: Buffer) => {
        assert.ok(chunk.every((byte) => byte === 120));
        size += chunk.length;
      });
      stream.on('end', () => {
        seen[name] = (seen[name] ?? 0) + 1;
        assert.equal(size, Number(headers['content-length'] ?? 0));
        ok(stream, headers);
      });
    };
    await using server = await Server.listen(answer, { initialWindowSize: 1_000 });
    const requests = [
      { method: 'GET', path: '/a?b=c', bodyBytes: 0, weight: 3, answerBytes: 2 },
      { method: 'POST', path: '/up', bodyBytes: 0, weight: 1, answerBytes: 2 },
      { method: 'POST', path: '/up', bodyBytes: 300_000, weight: 1, answerBytes: 2 },
    ] as const;
    const result = await load(server, { requests, connections: 2, durationMs: 500 });
    assert.equal(errorsOf(result), 0, JSON.stringify(result.errors));
    const [gets = 0, posts = 0] = [seen['GET /a?b=c'], seen['POST /up']];
    assert.ok(gets > posts / 2 && posts > 0, JSON.stringify(seen));
  });

  test('gives the windows back while large answers come', async () => {
    const size = 40_000_000;
    const body = Buffer.alloc(size);
    await using server = await Server.listen((stream) => {
      stream.respond({ ':status': 200 });
      stream.end(body);
    });
    const requests = [
      { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: size },
    ] as const;
    const result = await load(server, { requests, streamsPerConnection: 2, durationMs: 500 });
    assert.deepEqual(Object.keys(result.errors), []);
    assert.ok(result.answered > 0);
  });

  test('counts errors by status, wrong bodies and reset streams; interim answers and trailers do not matter', async () => {
    let n = 0;
    await using server = await Server.listen((stream) => {
      switch (n++ % 6) {
        case 1:
          stream.respond({ ':status': 503 }, { endStream: true });
          break;
        case 2:
          stream.respond({ ':status': 418, 'x-number': String(n) });
          stream.end();
          break;
        case 3:
          stream.respond({ ':status': 200 });
          stream.end('odd');
          break;
        case 4:
          stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
          break;
        default:
          stream.additionalHeaders({ ':status': 103 });
          stream.respond({ ':status': 200 }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ sum: '2' }));
          stream.end('ok');
      }
    });
    const requests = [
      { method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: 2 },
    ] as const;
    const { answered, errors, sent } = await load(server, { requests });
    assert.deepEqual(Object.keys(errors).toSorted(), [
      'body length',
      'status 418',
      'status 503',
      'stream ENHANCE_YOUR_CALM',
    ]);
    assert.equal(answered + errorsOf({ errors } as LoadResult), sent);
    assert.ok(answered > sent / 4);
  });

  test('dials again where the server goes away, and no request is lost', async () => {
    let n = 0;
    await using server = await Server.listen((stream, headers) => {
      if (++n % 50 === 0) stream.session?.close();
      setImmediate(ok, stream, headers);
    });
    const arrival = { kind: 'fixed', perSecond: 1_000 } as const;
    const result = await load(server, { arrival, connections: 2, durationMs: 400 });
    assert.deepEqual(result.errors, {});
    assert.equal(result.answered, 400);
    assert.ok(server.opened > 4, `${server.opened} connections`);
  });

  test('counts the requests of a connection that fails, by its error', async () => {
    let n = 0;
    await using server = await Server.listen((stream, headers) => {
      const { session } = stream;
      if (++n % 40 === 0) {
        session?.goaway(http2.constants.NGHTTP2_INTERNAL_ERROR);
        setImmediate(() => session?.destroy());
      }
      setImmediate(ok, stream, headers);
    });
    const { answered, errors, sent } = await load(server, { connections: 2, durationMs: 200 });
    assert.ok((errors['goaway INTERNAL_ERROR'] ?? 0) > 0, JSON.stringify(errors));
    assert.equal(answered + errorsOf({ errors } as LoadResult), sent);
    assert.ok(server.opened > 3);
  });

  test('asks no more at a time than the server allows', async () => {
    let most = 0;
    let underWay = 0;
    const answer: Answer = (stream, headers) => {
      most = Math.max(most, ++underWay);
      setImmediate(() => {
        underWay--;
        ok(stream, headers);
      });
    };
    await using server = await Server.listen(answer, { maxConcurrentStreams: 3 });
    const result = await load(server);
    assert.equal(errorsOf(result), 0);
    assert.ok(result.answered > 10);
    assert.equal(most, 3);
  });

  test('indexes nothing for a server without a table', async () => {
    await using server = await Server.listen(ok, { headerTableSize: 0 });
    const result = await load(server);
    assert.equal(errorsOf(result), 0);
    assert.ok(result.answered > 10);
  });

  test('answers pings, so that a server keeps the connection', async () => {
    let pongs = 0;
    await using server = await Server.listen((stream, headers) => {
      stream.session?.ping(() => pongs++);
      ok(stream, headers);
    });
    const arrival = { kind: 'fixed', perSecond: 200 } as const;
    const result = await load(server, { arrival });
    assert.equal(result.answered, 20);
    assert.ok(pongs >= 20, `${pongs} pongs`);
  });

  test('holds idle connections to the end', async () => {
    await using server = await Server.listen(ok);
    const { errors } = await load(server, { idleConnections: 50, connections: 2 });
    assert.deepEqual(errors, {});
    assert.equal(server.opened, 52);
  });

  test('says that a server does not speak HTTP/2', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const plan = loadPlan({ host: '127.0.0.1', port }, { protocol: 'http2' });
    await assert.rejects(generator.run(plan), /does not answer: (?:malformed|closed|reset)/);
    server.close();
  });
});
