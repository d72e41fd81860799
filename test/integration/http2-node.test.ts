/** Node's own HTTP/2 on both sides of a sidecar: what an exchange may be, and how it may end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { eventually, settled, withDeadline } from '../support/deadline.ts';
import {
  callHttp2,
  connectHttp2,
  type Http2Answer,
  NodeHttp2Server,
  replyOf,
} from '../support/node-http2.ts';
import { unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const {
  NGHTTP2_CANCEL: CANCEL,
  NGHTTP2_ENHANCE_YOUR_CALM: ENHANCE_YOUR_CALM,
  NGHTTP2_INTERNAL_ERROR: INTERNAL_ERROR,
  NGHTTP2_REFUSED_STREAM: REFUSED_STREAM,
} = http2.constants;
const MIB = 2 ** 20;
/** Far more than all windows and buffers between two ends hold. */
const ENDLESS_BYTES = 200 * MIB;

const WAYS = {
  inbound: (port: number) => Sidecar.inbound(port),
  outbound: (port: number) =>
    Sidecar.start('--outbound', '127.0.0.1:0', '--to', `web=h2c://127.0.0.1:${port}`),
} as const;

/** Sends the body back as it comes, with what the request said. */
const echo: Http2Answer = (stream, headers) => {
  const { cookie, 'x-many': many, 'x-empty': empty } = headers;
  stream.respond({ ':status': 200, 'x-cookie': cookie, 'x-many': many, 'x-empty': empty });
  stream.pipe(stream);
};

/** Everything that `answers` has, by path; the others are echoed. */
const byPath =
  (answers: Readonly<Record<string, Http2Answer>>): Http2Answer =>
  (stream, headers) =>
    (answers[headers[':path'] ?? ''] ?? echo)(stream, headers);

const answers = byPath({
  '/trailers': (stream) => {
    stream.once('trailers', (fields: http2.IncomingHttpHeaders) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': fields['x-sum'] }));
      stream.end('with trailers');
    });
    stream.resume();
  },
  '/trailers-only': (stream) =>
    stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }),
  '/interim': (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
    stream.additionalHeaders({ ':status': 103, link: '</more.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('at last');
  },
  '/no-content': (stream) => stream.respond({ ':status': 204 }, { endStream: true }),
  '/not-modified': (stream) => stream.respond({ ':status': 304, etag: '"x"' }, { endStream: true }),
  '/push-allowed': (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(String(stream.pushAllowed));
  },
  '/reset-head': (stream) => stream.close(ENHANCE_YOUR_CALM),
  '/reset-body': (stream) => {
    stream.respond({ ':status': 200 });
    // Node's close() would end the answer first.
    stream.write('begun', () => stream.destroy(new Error('of the test')));
  },
  '/wait': () => undefined,
  '/wait-body': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('begun');
  },
  '/small': (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  },
  // Of a call that streams: each message is answered by one.
  '/unread': (stream) => stream.respond({ ':status': 200 }),
});

async function requestsOf(sidecar: Sidecar): Promise<number> {
  const { text } = await sidecar.admin('/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith('request_total{'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(`HTTP/2 through an ${way} sidecar`, () => {
    let server: NodeHttp2Server;
    let sidecar: Sidecar;
    let session: http2.ClientHttp2Session;
    before(async () => {
      server = await NodeHttp2Server.listen(answers);
      sidecar = await start(server.port);
      session = await connectHttp2(sidecar.address);
    });
    after(async () => {
      session?.destroy();
      await sidecar?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    it('passes fields on: several of a name, cookies, empty ones', async () => {
      const headers = { 'x-many': ['a', 'b'], cookie: ['a=1', 'b=2'], 'x-empty': '' };
      const reply = await callHttp2(session, { headers });
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['x-many'], 'a, b');
      assert.equal(reply.headers['x-cookie'], 'a=1; b=2');
      assert.equal(reply.headers['x-empty'], '');
    });

    it('passes bodies on, both ways at the same time', async () => {
      const body = Buffer.alloc(8 * MIB, 'abcdefg');
      const reply = await callHttp2(session, { body });
      assert.ok(reply.body.equals(body));
    });

    it('passes trailers on, both ways', async () => {
      const call = { path: '/trailers', body: 'body', trailers: { 'x-sum': 'of the body' } };
      const reply = await callHttp2(session, call);
      assert.equal(reply.body.toString(), 'with trailers');
      assert.equal(reply.trailers['x-sum'], 'of the body');
    });

    it('passes an answer without a body on as one head', async () => {
      const stream = session.request({ ':authority': 'web', ':path': '/trailers-only' });
      const [headers, flags] = (await once(stream, 'response')) as [
        http2.IncomingHttpHeaders,
        number,
      ];
      assert.equal(headers['grpc-status'], '12');
      assert.notEqual(flags & http2.constants.NGHTTP2_FLAG_END_STREAM, 0);
      stream.resume();
      await once(stream, 'close');
    });

    it('passes informational answers on', async () => {
      const reply = await callHttp2(session, { path: '/interim' });
      assert.deepEqual(reply.interim, [103, 103]);
      assert.equal(reply.body.toString(), 'at last');
    });

    it('knows answers that have no body: HEAD, 204, 304', async () => {
      const head = await callHttp2(session, { headers: { ':method': 'HEAD' } });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      const none = await callHttp2(session, { path: '/no-content' });
      assert.deepEqual([none.status, none.body.length], [204, 0]);
      const same = await callHttp2(session, { path: '/not-modified' });
      assert.deepEqual([same.status, same.headers.etag], [304, '"x"']);
    });

    it('lets no server push', async () => {
      const reply = await callHttp2(session, { path: '/push-allowed' });
      assert.equal(reply.body.toString(), 'false');
    });

    it('carries 1,000 requests at a time', async () => {
      const calls = Array.from({ length: 1_000 }, (_, i) =>
        callHttp2(session, { body: `body ${i}` }),
      );
      for (const [i, { body, status }] of (await Promise.all(calls)).entries()) {
        assert.equal(`${status} ${body.toString()}`, `200 body ${i}`);
      }
    });

    it('carries many small messages on one stream', async () => {
      const stream = session.request({ ':authority': 'web', ':path': '/', ':method': 'POST' });
      let length = 0;
      stream.on('data', (chunk: Buffer) => (length += chunk.length));
      const ended = once(stream, 'end');
      // Each a DATA frame of its own, as messages of a stream of calls are.
      for (let i = 0; i < 10_000; i++) {
        stream.write('tick');
        if (i % 20 === 0) await turn();
      }
      stream.end();
      await withDeadline('the end of the echo', ended, 20_000);
      assert.equal(length, 40_000);
    });

    it('passes a cancellation on, with its code', async () => {
      for (const path of ['/wait', '/wait-body']) {
        const before = server.requests;
        const stream = session.request({ ':authority': 'web', ':path': path });
        stream.on('error', () => undefined);
        await eventually('the request to arrive', () => server.requests > before);
        server.resets.length = 0;
        stream.close(CANCEL);
        await eventually('the stream to be reset', () => server.resets.length > 0);
        assert.deepEqual(server.resets, [CANCEL]);
      }
      assert.equal((await callHttp2(session, { path: '/small' })).status, 200);
    });

    it("passes a server's reset on, with its code, once an answer began", async () => {
      const stream = session.request({ ':authority': 'web', ':path': '/reset-body' });
      stream.on('error', () => undefined);
      stream.resume();
      // Not \`once\` of node:events, which rejects for the error that is expected.
      await eventually('the stream to close', () => stream.closed && stream.destroyed);
      assert.equal(stream.rstCode, INTERNAL_ERROR);
    });

    it('answers 502 for a server that resets a request before it answers', async () => {
      assert.equal((await callHttp2(session, { path: '/reset-head' })).status, 502);
    });

    it('holds a server back whose answer nobody reads, and only that', async () => {
      let written = 0;
      const chunk = Buffer.alloc(64 * 1024);
      await using slow = await NodeHttp2Server.listen(
        byPath({
          '/endless': (stream) => {
            stream.respond({ ':status': 200 });
            // Node resets a stream whose request it never read, sometimes instead of ending it.
            stream.resume();
            const more = (): void => {
              while (written < ENDLESS_BYTES && !stream.destroyed) {
                written += chunk.length;
                if (!stream.write(chunk)) {
                  stream.once('drain', more);
                  return;
                }
              }
              stream.end();
            };
            more();
          },
        }),
      );
      await using before = await start(slow.port);
      const client = await connectHttp2(before.address);
      const stream = client.request({ ':authority': 'web', ':path': '/endless' });
      stream.on('error', () => undefined);
      await once(stream, 'response');
      stream.pause();
      const stalledBytes = await settled(() => written);
      assert.ok(stalledBytes < 2 * MIB, `${stalledBytes} bytes were taken`);
      const reply = await callHttp2(client, { body: Buffer.alloc(MIB) });
      assert.equal(reply.body.length, MIB);
      let read = 0;
      stream.on('data', (part: Buffer) => (read += part.length));
      stream.resume();
      await withDeadline('the endless answer', once(stream, 'end'), 30_000);
      assert.equal(read, written);
      client.destroy();
    });

    it('holds a client back whose body the server does not read, and only that', async () => {
      const stream = session.request({
        ':authority': 'web',
        ':path': '/unread',
        ':method': 'POST',
      });
      stream.on('error', () => undefined);
      await once(stream, 'response');
      let taken = 0;
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        if (stream.destroyed) return;
        stream.write(chunk, () => {
          taken += chunk.length;
          more();
        });
      };
      more();
      const stalledBytes = await settled(() => taken);
      assert.ok(stalledBytes < 2 * MIB, `${stalledBytes} bytes were taken`);
      const reply = await callHttp2(session, { body: Buffer.alloc(MIB) });
      assert.equal(reply.body.length, MIB);
      stream.close(CANCEL);
      await eventually('the stream to go', () => server.openStreams === 0);
    });

    it('counts HTTP/2 as HTTP', async () => {
      const before = await requestsOf(sidecar);
      for (let i = 0; i < 10; i++) await callHttp2(session, { path: '/small' });
      await eventually('ten more', async () => (await requestsOf(sidecar)) === before + 10);
    });
  });
}

describe('HTTP/2 servers that refuse, leave or are away', () => {
  it('a refused stream is asked again, and the client does not notice', async () => {
    let asked = 0;
    await using server = await NodeHttp2Server.listen((stream, headers) => {
      if (++asked % 2 === 1) stream.close(REFUSED_STREAM);
      else echo(stream, headers);
    });
    await using sidecar = await Sidecar.inbound(server.port);
    const session = await connectHttp2(sidecar.address);
    for (let i = 0; i < 20; i++) {
      const { body, status } = await callHttp2(session, { body: `body ${i}` });
      assert.equal(`${status} ${body.toString()}`, `200 body ${i}`);
    }
    assert.equal(asked, 40);
    session.destroy();
  });

  it('a server that goes away under load loses no request', async () => {
    let asked = 0;
    await using server = await NodeHttp2Server.listen((stream, headers) => {
      if (++asked % 50 === 0) stream.session?.close();
      echo(stream, headers);
    });
    await using sidecar = await Sidecar.inbound(server.port);
    const session = await connectHttp2(sidecar.address);
    const callMany = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const { body, status } = await callHttp2(session, { body: `body ${i}` });
        assert.equal(`${status} ${body.toString()}`, `200 body ${i}`);
      }
    };
    await Promise.all(Array.from({ length: 10 }, callMany));
    assert.ok(server.opened > 5, `${server.opened} connections`);
    session.destroy();
  });

  it('a head above what the server says it takes is a 431 with its reason, and no others are lost', async () => {
    const settings = { maxHeaderListSize: 1_000 };
    await using server = await NodeHttp2Server.listen(echo, { settings });
    const to = `web=h2c://127.0.0.1:${server.port}`;
    await using sidecar = await Sidecar.start('--outbound', '127.0.0.1:0', '--to', to);
    const session = await connectHttp2(sidecar.address);
    const [large, small] = await Promise.all([
      callHttp2(session, { body: 'large', headers: { 'x-large': 'x'.repeat(12_000) } }),
      callHttp2(session, { body: 'small' }),
    ]);
    assert.deepEqual([large.status, small.status], [431, 200]);
    assert.match(String(large.headers['culvert-proxy-error']), /takes heads of 1000 bytes/);
    assert.deepEqual([server.requests, server.opened], [1, 1]);
    session.destroy();
  });

  it('a server that is not there is a 502 with its reason', async () => {
    await using sidecar = await Sidecar.start(
      '--outbound',
      '127.0.0.1:0',
      '--to',
      `web=h2c://127.0.0.1:${await unusedPort()}`,
    );
    const session = await connectHttp2(sidecar.address);
    const reply = await callHttp2(session);
    assert.equal(reply.status, 502);
    assert.match(String(reply.headers['culvert-proxy-error']), /ECONNREFUSED/);
    session.destroy();
  });

  it('a sidecar that is told to end says so, and ends what is under way', async () => {
    let finish: (() => void) | undefined;
    await using server = await NodeHttp2Server.listen((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begun ');
      finish = () => stream.end('and done');
    });
    const drain = ['--drain-quiet-ms', '300', '--drain-deadline-ms', '20000'];
    await using sidecar = await Sidecar.inbound(server.port, ...drain);
    const session = await connectHttp2(sidecar.address);
    const reply = replyOf(session.request({ ':authority': 'web', ':path': '/' }));
    await eventually('the answer to begin', () => finish);
    const goaway = once(session, 'goaway');
    sidecar.signal('SIGTERM');
    const [code] = (await withDeadline('GOAWAY', goaway)) as [number];
    assert.equal(code, http2.constants.NGHTTP2_NO_ERROR);
    finish?.();
    assert.equal((await reply).body.toString(), 'begun and done');
    assert.deepEqual(await withDeadline('the sidecar to exit', sidecar.exited), {
      code: 0,
      signal: null,
    });
  });
});
