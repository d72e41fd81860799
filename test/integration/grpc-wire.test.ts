/**
 * gRPC as it is on the wire, between Node's own HTTP/2 on both sides: where a status may be, what
 * the sidecar answers itself, and deadlines that neither side keeps.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import {
  callHttp2,
  connectHttp2,
  type Http2Answer,
  type Http2Reply,
  NodeHttp2Server,
} from '../support/node-http2.ts';
import { parseSamples } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf, valuesOf } from '../support/raw-http.ts';
import { dial, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const { NGHTTP2_CANCEL: CANCEL, NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR } = http2.constants;
const GRPC = { 'content-type': 'application/grpc' };
const HEAD = { ':status': 200, ...GRPC };
/** One message of two bytes. */
const MESSAGE = Buffer.from([0, 0, 0, 0, 2, 0x68, 0x69]);
const DEADLINE_MS = 300;
/** Of the sidecar's timer, and of a busy machine. */
const LATE_MS = 3_000;

const begin: Http2Answer = (stream) => {
  stream.respond(HEAD, { waitForTrailers: true });
  stream.write(MESSAGE);
};

const ANSWERS: Readonly<Record<string, Http2Answer>> = {
  '/t.S/InHead': (stream) =>
    stream.respond(
      { ...HEAD, 'grpc-status': '5', 'grpc-message': 'a %C3%A9' },
      { endStream: true },
    ),
  '/t.S/InTrailers': (stream, headers) => {
    begin(stream, headers);
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '7', 'x-bin': 'AAH/' }));
    stream.end();
  },
  '/t.S/Missing': (stream) => {
    stream.respond(HEAD);
    stream.end(MESSAGE);
  },
  '/t.S/Http503': (stream) => {
    stream.respond({ ':status': 503, 'content-type': 'text/html' });
    stream.end('<h1>busy</h1>');
  },
  '/t.S/Web': (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc-web+proto' });
    stream.end(MESSAGE);
  },
  '/t.S/LostBefore': (stream) => stream.session?.destroy(),
  '/t.S/LostAfter': (stream, headers) => {
    begin(stream, headers);
    // Once the message has left.
    stream.once('trailers', () => stream.session?.destroy());
  },
  '/t.S/LostInLength': (stream) => {
    stream.respond({ ...HEAD, 'content-length': '100' });
    stream.write(MESSAGE);
    stream.once('trailers', () => stream.session?.destroy());
  },
  '/t.S/ResetBefore': (stream) => stream.close(CANCEL),
  '/t.S/ResetAfter': (stream, headers) => {
    begin(stream, headers);
    stream.once('trailers', () => stream.destroy(new Error('of the test')));
  },
  '/t.S/Silent': () => undefined,
  '/t.S/SilentAfter': begin,
  '/t.S/Timeout': (stream, headers) => {
    stream.respond({ ...HEAD, 'grpc-status': '0', 'x-timeout': headers['grpc-timeout'] ?? 'none' });
    stream.end();
  },
};

const WAYS = {
  inbound: (port: number, ...args: readonly string[]) => Sidecar.inbound(port, ...args),
  outbound: (port: number, ...args: readonly string[]) => Sidecar.outbound([port], ...args),
} as const;

interface Outcome {
  readonly statusCode: string;
  readonly grpcStatus: string | undefined;
  readonly classification: string;
}

/** What has been counted, but for what is the same in both. */
async function outcomesOf(sidecar: Sidecar): Promise<readonly Outcome[]> {
  const { text } = await sidecar.admin('/metrics');
  return parseSamples(text)
    .filter(({ name }) => name === 'response_total')
    .map(({ labels }) => ({
      statusCode: labels['status_code'] ?? '',
      grpcStatus: labels['grpc_status'],
      classification: labels['classification'] ?? '',
    }));
}

const fields = (status: number, sentence: string) => ({ status: String(status), sentence });

/** grpc-status and the decoded grpc-message of trailers or of a head. */
const told = (headers: http2.IncomingHttpHeaders) =>
  fields(Number(headers['grpc-status']), decodeURIComponent(String(headers['grpc-message'] ?? '')));

for (const [way, start] of Object.entries(WAYS)) {
  describe(`gRPC on the wire, ${way}`, () => {
    let server: NodeHttp2Server;
    let sidecar: Sidecar;
    let session: http2.ClientHttp2Session;
    before(async () => {
      server = await NodeHttp2Server.listen((stream, headers) => {
        stream.resume();
        ANSWERS[headers[':path'] ?? '']?.(stream, headers);
      });
      sidecar = await start(server.port);
      session = await connectHttp2(sidecar.address);
    });
    after(async () => {
      session?.destroy();
      await sidecar?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    const call = (method: string, headers: http2.OutgoingHttpHeaders = {}): Promise<Http2Reply> =>
      callHttp2(session, {
        path: `/t.S/${method}`,
        body: MESSAGE,
        headers: { ...GRPC, ...headers },
      });

    const counted = (outcome: Outcome): Promise<unknown> =>
      eventually(`${JSON.stringify(outcome)} to be counted`, async () =>
        (await outcomesOf(sidecar)).some((one) => JSON.stringify(one) === JSON.stringify(outcome)),
      );

    it('a status in the head passes as one head', async () => {
      const { body, headers, trailers } = await call('InHead');
      assert.deepEqual([headers['grpc-status'], headers['grpc-message']], ['5', 'a %C3%A9']);
      assert.deepEqual([body.length, trailers['grpc-status']], [0, undefined]);
      await counted({ statusCode: '200', grpcStatus: '5', classification: 'success' });
    });

    it('a status in trailers passes there, with what else they hold', async () => {
      const { body, headers, trailers } = await call('InTrailers');
      assert.equal(headers['grpc-status'], undefined);
      assert.deepEqual([trailers['grpc-status'], trailers['x-bin']], ['7', 'AAH/']);
      assert.ok(body.equals(MESSAGE));
      await counted({ statusCode: '200', grpcStatus: '7', classification: 'failure' });
    });

    it('a missing status is not made up, and is counted as UNKNOWN', async () => {
      const { headers, trailers } = await call('Missing');
      assert.deepEqual([headers['grpc-status'], trailers['grpc-status']], [undefined, undefined]);
      await counted({ statusCode: '200', grpcStatus: '2', classification: 'failure' });
    });

    it('an HTTP error without a gRPC status passes as it is', async () => {
      const { body, headers, status } = await call('Http503');
      assert.deepEqual(
        [status, headers['content-type'], headers['grpc-status'], body.toString()],
        [503, 'text/html', undefined, '<h1>busy</h1>'],
      );
      await counted({ statusCode: '503', grpcStatus: undefined, classification: 'failure' });
    });

    it('gRPC-Web, whose status is in the body, is counted by its HTTP status', async () => {
      const type = { 'content-type': 'application/grpc-web+proto' };
      assert.equal((await call('Web', type)).status, 200);
      await counted({ statusCode: '200', grpcStatus: undefined, classification: 'success' });
    });

    it('an upstream lost before the head is UNAVAILABLE in a head that is all', async () => {
      const { body, headers, status, trailers } = await call('LostBefore');
      assert.deepEqual([status, headers['grpc-status'], body.length], [200, '14', 0]);
      assert.equal(headers['content-type'], 'application/grpc');
      assert.equal(trailers['grpc-status'], undefined);
    });

    /** Streams that are ended once their first message has come, by the client's trailers. */
    const streamed = async (method: string) => {
      const stream = session.request(
        { ':authority': 'web', ':path': `/t.S/${method}`, ':method': 'POST', ...GRPC },
        { waitForTrailers: true },
      );
      let trailers: http2.IncomingHttpHeaders | undefined;
      stream.once('trailers', (some: http2.IncomingHttpHeaders) => (trailers = some));
      stream.on('error', () => undefined);
      stream.once('wantTrailers', () => stream.sendTrailers({ 'x-go': 'on' }));
      const closed = new Promise<void>((resolve) => stream.once('close', resolve));
      const [first] = (await withDeadline('a message', once(stream, 'data'))) as [Buffer];
      assert.ok(first.equals(MESSAGE));
      stream.resume();
      stream.end();
      await withDeadline('the end of the stream', closed);
      return { trailers, rstCode: stream.rstCode };
    };

    it('an upstream lost after the head is UNAVAILABLE in trailers, not a reset', async () => {
      const { rstCode, trailers } = await streamed('LostAfter');
      assert.deepEqual(
        [trailers?.['grpc-status'], rstCode],
        ['14', http2.constants.NGHTTP2_NO_ERROR],
      );
      assert.notEqual(trailers?.['grpc-message'] ?? '', '');
      await counted({ statusCode: '200', grpcStatus: '14', classification: 'failure' });
    });

    it('an answer of a length is reset where it is lost: trailers would contradict it', async () => {
      const { rstCode, trailers } = await streamed('LostInLength');
      assert.deepEqual([trailers, rstCode], [undefined, INTERNAL_ERROR]);
    });

    it("a server's reset passes on with its code, before the head and after it", async () => {
      assert.deepEqual(await streamed('ResetAfter'), {
        trailers: undefined,
        rstCode: INTERNAL_ERROR,
      });
      const stream = session.request({
        ':authority': 'web',
        ':path': '/t.S/ResetBefore',
        ':method': 'POST',
        ...GRPC,
      });
      let answered = false;
      stream.once('response', () => (answered = true));
      stream.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => stream.once('close', resolve));
      stream.end(MESSAGE);
      await withDeadline('the reset', closed);
      assert.deepEqual([answered, stream.rstCode], [false, CANCEL]);
    });

    it('a deadline that neither side keeps is kept here, and the server is told', async () => {
      for (const method of ['Silent', 'SilentAfter']) {
        server.resets.length = 0;
        const startMs = performance.now();
        const { headers, trailers } = await call(method, { 'grpc-timeout': `${DEADLINE_MS}m` });
        const tookMs = performance.now() - startMs;
        const status = method === 'Silent' ? headers : trailers;
        assert.equal(status['grpc-status'], '4', method);
        if (way === 'outbound') assert.match(told(status).sentence, /300 ms .*127\.0\.0\.1:\d+/);
        assert.ok(tookMs >= DEADLINE_MS - 1 && tookMs < DEADLINE_MS + LATE_MS, `${tookMs} ms`);
        await eventually('the server to be told', () => server.resets.length > 0);
        assert.deepEqual(server.resets, [CANCEL]);
      }
      await counted({ statusCode: '504', grpcStatus: '4', classification: 'failure' });
      await counted({ statusCode: '200', grpcStatus: '4', classification: 'failure' });
    });

    it('a timeout goes on as it came where the call does so at once', async () => {
      for (const timeout of ['5S', '4999m', '0005S', '99999999H']) {
        const { headers } = await call('Timeout', { 'grpc-timeout': timeout });
        const at = String(headers['x-timeout']);
        // A first call has to wait for its connection.
        assert.ok(at === timeout || /^\d{1,8}[umSMH]$/.test(at), at);
      }
      const { headers } = await call('Timeout', { 'grpc-timeout': '4999m' });
      assert.equal(headers['x-timeout'], '4999m');
    });

    it('a timeout that is none passes as it is, and ends nothing', async () => {
      for (const timeout of ['5', '-1S', '1.5S', '123456789m', 'soon']) {
        const { headers } = await call('Timeout', { 'grpc-timeout': timeout });
        assert.equal(headers['x-timeout'], timeout);
      }
      const json = { 'content-type': 'application/json', 'grpc-timeout': '1m' };
      assert.equal((await call('Timeout', json)).headers['x-timeout'], '1m');
    });

    it('a call whose time is up already is asked of nobody', async () => {
      const { requests } = server;
      const { headers } = await call('Timeout', { 'grpc-timeout': '0S' });
      assert.deepEqual([headers['grpc-status'], server.requests], ['4', requests]);
    });
  });
}

describe('gRPC through a sidecar', () => {
  it('a timeout is passed on less what the call has waited for a stream', async () => {
    const waiting: http2.ServerHttp2Stream[] = [];
    await using server = await NodeHttp2Server.listen(
      (stream, headers) => {
        if (headers[':path'] === '/t.S/First') waiting.push(stream);
        else ANSWERS['/t.S/Timeout']?.(stream, headers);
      },
      { settings: { maxConcurrentStreams: 1 } },
    );
    const one = ['--http2-links-per-endpoint-max', '1'];
    await using sidecar = await Sidecar.outbound([server.port], ...one);
    const session = await connectHttp2(sidecar.address);
    const call = (path: string, timeout: string): Promise<Http2Reply> =>
      callHttp2(session, {
        path,
        body: MESSAGE,
        headers: { ...GRPC, 'grpc-timeout': timeout },
      });
    const first = call('/t.S/First', '10S');
    await eventually('the first call', () => waiting[0]);
    const startMs = performance.now();
    const second = call('/t.S/Timeout', '10S');
    // Nothing says that it waits: until it surely has, longer than the clocks differ.
    await eventually('some time', () => performance.now() - startMs > 100);
    for (const stream of waiting) {
      stream.respond({ ...HEAD, 'grpc-status': '0' });
      stream.end();
    }
    await first;
    const { headers } = await second;
    const spentMs = performance.now() - startMs;
    const [, leftUs = ''] = /^(\d{1,8})u$/.exec(String(headers['x-timeout'])) ?? [];
    const lessMs = 10_000 - Number(leftUs) / 1_000;
    assert.ok(
      lessMs > 50 && lessMs <= spentMs,
      `${String(headers['x-timeout'])} after ${spentMs} ms`,
    );
    session.destroy();
  });

  it('a call that nobody can serve is answered by a head that is all, encoded', async () => {
    for (const [way, start] of Object.entries(WAYS)) {
      await using sidecar = await start(await unusedPort());
      const session = await connectHttp2(sidecar.address);
      const stream = session.request({
        ':authority': 'web',
        ':path': '/t.S/M',
        ':method': 'POST',
        ...GRPC,
      });
      stream.end(MESSAGE);
      const [headers, flags] = (await withDeadline('a head', once(stream, 'response'))) as [
        http2.IncomingHttpHeaders,
        number,
      ];
      assert.notEqual(flags & http2.constants.NGHTTP2_FLAG_END_STREAM, 0, way);
      assert.equal(headers[':status'], 200);
      const { sentence, status } = told(headers);
      assert.equal(status, '14');
      if (way === 'inbound') assert.equal(sentence, 'upstream-refused');
      else assert.match(sentence, /ECONNREFUSED/);
      session.destroy();
    }
  });

  it('over HTTP/1.1 the answer is the same, and the connection lives', async () => {
    await using server = await NodeHttp2Server.listen((stream, headers) => {
      stream.resume();
      ANSWERS[headers[':path'] ?? '']?.(stream, headers);
    });
    const to = `web=h2c://127.0.0.1:${server.port}`;
    await using sidecar = await Sidecar.start('--outbound', '127.0.0.1:0', '--to', to);
    using client = await dial(sidecar.address);
    for (const [method, grpcStatus] of [
      ['Silent', '4'],
      ['LostBefore', '14'],
      ['ResetBefore', '14'],
    ] as const) {
      await client.send(
        headOf(
          `POST /t.S/${method} HTTP/1.1`,
          'Host: web',
          'Content-Type: application/grpc',
          'grpc-timeout: 200m',
          'Content-Length: 0',
        ),
      );
      const response = await readResponse(client, 'POST');
      assert.equal(statusOf(response), 200, method);
      assert.deepEqual(valuesOf(response.fields, 'grpc-status'), [grpcStatus], method);
    }
  });
});
