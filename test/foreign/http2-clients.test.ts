/** Other people's HTTP/2 clients before a sidecar, and Node's own HTTP/2 server behind it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readH2load } from '../../bench/load/h2load-output.ts';
import {
  curlHttp2,
  ForeignServer,
  haproxyConfig,
  runForeign,
  without,
} from '../support/foreign.ts';
import { callHttp2, connectHttp2, NodeHttp2Server } from '../support/node-http2.ts';
import { Sidecar } from '../support/sidecar.ts';

const MIB = 2 ** 20;

/** Answers with the target, or 1 MiB for "/big", after the whole body; says what came. */
function tell(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  let size = 0;
  let trailers: http2.IncomingHttpHeaders = {};
  const target = headers[':path'] ?? '';
  stream.on('data', (chunk: Buffer) => (size += chunk.length));
  stream.once('trailers', (fields: http2.IncomingHttpHeaders) => (trailers = fields));
  stream.once('end', () => {
    if (stream.destroyed) return;
    const sum = trailers['x-sum'] ?? '';
    stream.respond(
      { ':status': 200, 'x-size': String(size), 'x-sum-came': sum, 'x-long': headers['x-long'] },
      { waitForTrailers: true, endStream: headers[':method'] === 'HEAD' },
    );
    if (headers[':method'] === 'HEAD') return;
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': String(size) }));
    stream.end(target.startsWith('/big') ? Buffer.alloc(MIB, 'b') : target);
  });
}

const nghttp = (...args: readonly string[]): Promise<string> => runForeign('nghttp', ...args);

describe('HTTP/2 clients before a sidecar', () => {
  let server: NodeHttp2Server;
  let inbound: Sidecar;
  let outbound: Sidecar;
  let directory: string;
  let large: string;
  before(async () => {
    server = await NodeHttp2Server.listen(tell);
    inbound = await Sidecar.inbound(server.port);
    outbound = await Sidecar.start(
      '--outbound',
      '127.0.0.1:0',
      '--to',
      `web=h2c://127.0.0.1:${server.port}`,
    );
    directory = await mkdtemp(path.join(os.tmpdir(), 'culvert-http2-'));
    large = path.join(directory, 'large');
    await writeFile(large, Buffer.alloc(5 * MIB, 'a'));
  });
  after(async () => {
    await Promise.all([inbound?.stop(), outbound?.stop()]);
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  describe('curl', { skip: without('curl') }, () => {
    const FORMAT = ' %{http_code} %{http_version} %{num_connects}\n';
    for (const [name, args, body] of [
      ['GET', [], '/x'],
      ['POST', ['-d', 'hello'], '/x'],
      ['PUT', ['-X', 'PUT', '-d', 'hello'], '/x'],
      ['Expect: 100-continue', ['-d', 'hello', '-H', 'Expect: 100-continue'], '/x'],
      ['a body of unknown length', ['-d', '@-', '-H', 'Transfer-Encoding: chunked'], '/x'],
    ] as const) {
      it(`is served: ${name}`, async () => {
        const written = await curlHttp2(...args, '-w', FORMAT, `http://${inbound.address}/x`);
        assert.equal(written, `${body} 200 2 1\n`);
      });
    }

    it('is served: HEAD', async () => {
      assert.match(await curlHttp2('-I', `http://${inbound.address}/x`), /^HTTP\/2 200 \r\n/);
    });

    it('is served: large bodies both ways', async () => {
      const args = ['-o', path.join(directory, 'got'), '--data-binary', `@${large}`];
      const format = '%{http_code} %{size_upload} %{size_download}';
      const written = await curlHttp2(...args, '-w', format, `http://${inbound.address}/big`);
      assert.equal(written, `200 ${5 * MIB} ${MIB}`);
    });

    it('is served: outbound, by authority', async () => {
      const args = ['--connect-to', `web:80:${outbound.address}`, '-w', FORMAT];
      assert.equal(await curlHttp2(...args, 'http://web/x'), '/x 200 2 1\n');
    });

    it('gets the sentence for a service that does not exist', async () => {
      const args = ['-D', '-', '-o', '/dev/null', '--connect-to', `::${outbound.address}`];
      const written = await curlHttp2(...args, 'http://nobody.invalid/');
      assert.match(written, /^HTTP\/2 404 [^]*^culvert-proxy-error: .*nobody\.invalid/im);
    });

    it('is served in HTTP/1.1 on the same port', { skip: without('curl', 'nghttpx') }, async () => {
      // An application that takes both: what came as HTTP/1.1 goes on as HTTP/1.1.
      await using both = await ForeignServer.start('nghttpx', (scratch, { host, port }) => {
        const backend = `backend=127.0.0.1,${server.port};;proto=h2`;
        const config = `frontend=${host},${port};no-tls\n${backend}\nlog-level=ERROR\n`;
        return [`--conf=${scratch.write('nghttpx.conf', config)}`];
      });
      await using sidecar = await Sidecar.inbound(both.port);
      const url = `http://${sidecar.address}/x`;
      assert.equal(await curlHttp2('-w', FORMAT, url), '/x 200 2 1\n');
      const written = await runForeign('curl', '-sS', '--http1.1', '-w', FORMAT, url);
      assert.equal(written, '/x 200 1.1 1\n');
    });
  });

  describe('nghttp', { skip: without('nghttp') }, () => {
    it('is served, with its PRIORITY frames', async () => {
      const written = await nghttp('-v', `http://${inbound.address}/x`);
      // The clear sign that it sent some.
      assert.match(written, /send PRIORITY frame/);
      assert.match(written, /:status: 200/);
      assert.doesNotMatch(written, /GOAWAY frame <[^]*error_code=(?!NO_ERROR)/);
    });

    it('is served: 200 requests at a time', async () => {
      const written = await nghttp('-m', '200', `http://${inbound.address}/y`);
      assert.equal(written, '/y'.repeat(200));
    });

    it('is served: a body with padding and trailers', async () => {
      const url = `http://${inbound.address}/x`;
      const args = ['-v', '-b', '200', '--trailer', 'x-sum: 7', '-d', large];
      const written = await nghttp(...args, url);
      assert.match(written, new RegExp(`x-size: ${5 * MIB}\n`));
      assert.match(written, /x-sum-came: 7\n/);
      assert.match(written, new RegExp(`x-sum: ${5 * MIB}\n`));
    });

    it('is served: a head in CONTINUATION frames', async () => {
      const long = 'l'.repeat(40_000);
      const written = await nghttp(
        '-v',
        '--continuation',
        '-H',
        `x-long: ${long}`,
        `http://${inbound.address}/x`,
      );
      assert.match(written, /send CONTINUATION frame|send HEADERS frame/);
      assert.match(written, new RegExp(`x-long: ${long}\n`));
    });

    it('is served: small windows and a small table', async () => {
      const args = ['-w', '8', '-W', '8', '-c', '64', '-m', '3'];
      const written = await nghttp(...args, `http://${inbound.address}/big`);
      assert.equal(written.length, 3 * MIB);
    });
  });

  describe('h2load', { skip: without('h2load') }, () => {
    for (const [name, way] of [
      ['inbound', () => inbound],
      ['outbound', () => outbound],
    ] as const) {
      it(`is served: 20,000 requests on 4 connections of 50 streams, ${name}`, async () => {
        const to = `--connect-to=${way().address}`;
        const args = ['-n', '20000', '-c', '4', '-m', '50', to, 'http://web/x'];
        const { byClass, lost } = readH2load(await runForeign('h2load', ...args));
        assert.equal(byClass['2xx'], 20_000);
        assert.deepEqual(lost, {});
      });
    }

    it('is served: uploads on small windows', async () => {
      const args = ['-n', '40', '-c', '2', '-m', '10', '-w', '10', '-W', '10', '-d', large];
      const output = await runForeign('h2load', ...args, `http://${inbound.address}/big`);
      assert.equal(readH2load(output).byClass['2xx'], 40);
    });
  });

  for (const program of ['haproxy', 'nghttpx'] as const) {
    it(
      `${program} as a client, HTTP/2 on both of its sides`,
      { skip: without(program) },
      async () => {
        await using front = await ForeignServer.start(program, (scratch, listen) => {
          if (program === 'haproxy') {
            const both = { frontHttp2: true, backHttp2: true };
            const config = haproxyConfig(listen, inbound.address, both);
            return ['-db', '-f', scratch.write('haproxy.cfg', config)];
          }
          const [host, port] = inbound.address.split(':');
          const config = `frontend=${listen.host},${listen.port};no-tls
backend=${host},${port};;proto=h2
log-level=ERROR
`;
          return [`--conf=${scratch.write('nghttpx.conf', config)}`];
        });
        const session = await connectHttp2(`127.0.0.1:${front.port}`);
        try {
          const calls = Array.from({ length: 90 }, (_, index) =>
            callHttp2(session, { path: `/${index}`, body: 'x'.repeat(index * 100) }),
          );
          for (const [index, reply] of (await Promise.all(calls)).entries()) {
            assert.equal(reply.status, 200);
            assert.equal(reply.headers['x-size'], String(index * 100));
            assert.equal(reply.body.toString(), `/${index}`);
            assert.equal(reply.trailers['x-sum'], String(index * 100));
          }
          const big = await callHttp2(session, { path: '/big', body: Buffer.alloc(2 * MIB) });
          assert.equal(big.body.length, MIB);
          assert.equal(big.headers['x-size'], String(2 * MIB));
        } finally {
          session.destroy();
        }
      },
    );
  }
});
