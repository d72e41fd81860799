/** Other people's HTTP/2 servers behind a sidecar, and Node's own HTTP/2 client before it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { configureNginx } from '../../bench/peers/nginx-config.ts';
import { ForeignServer, haproxyConfig, runForeign, without } from '../support/foreign.ts';
import { callHttp2, connectHttp2, type Http2Reply } from '../support/node-http2.ts';
import { Sidecar } from '../support/sidecar.ts';

const MIB = 2 ** 20;
const LARGE = 10 * MIB;
const SMALL = 'from nghttpd\n';

/** nghttpd with "/", "/large" and flags. */
const startNghttpd = (...flags: readonly string[]): Promise<ForeignServer> =>
  ForeignServer.start('nghttpd', (scratch, { host, port }) => {
    scratch.write('index.html', SMALL);
    scratch.write('large', Buffer.alloc(LARGE, 'l'));
    scratch.write('pushed', 'pushed');
    return ['--no-tls', '-a', host, '-d', scratch.directory, ...flags, String(port)];
  });

/** A sidecar before `server`, either way, that speaks HTTP/2 with it. */
const WAYS = {
  inbound: ({ port }: ForeignServer) => Sidecar.inbound(port, '--forward-protocol', 'http2'),
  outbound: ({ port }: ForeignServer) =>
    Sidecar.start('--outbound', '127.0.0.1:0', '--to', `web=h2c://127.0.0.1:${port}`),
} as const;

/** Calls of a client on one connection to a sidecar. */
async function calling<T>(
  sidecar: Sidecar,
  use: (session: http2.ClientHttp2Session) => Promise<T>,
): Promise<T> {
  const session = await connectHttp2(sidecar.address);
  try {
    return await use(session);
  } finally {
    session.destroy();
  }
}

const isSmall = ({ body, status }: Http2Reply): void => {
  assert.equal(status, 200);
  assert.equal(body.toString(), SMALL);
};

describe('nghttpd behind a sidecar', { skip: without('nghttpd') }, () => {
  for (const [way, start] of Object.entries(WAYS)) {
    it(`answers GET, POST and large bodies, ${way}`, async () => {
      await using server = await startNghttpd();
      await using sidecar = await start(server);
      await calling(sidecar, async (session) => {
        isSmall(await callHttp2(session));
        isSmall(await callHttp2(session, { body: Buffer.alloc(3 * MIB) }));
        const large = await callHttp2(session, { path: '/large' });
        assert.equal(large.body.length, LARGE);
        assert.equal((await callHttp2(session, { path: '/nothing' })).status, 404);
      });
    });
  }

  it('answers with padding, trailers and without a table', async () => {
    await using server = await startNghttpd(
      '-b',
      '255',
      '--trailer',
      'x-sum: 7',
      '-c',
      '0',
      '--encoder-header-table-size=0',
    );
    await using sidecar = await WAYS.inbound(server);
    await calling(sidecar, async (session) => {
      const large = await callHttp2(session, { path: '/large', body: Buffer.alloc(MIB) });
      assert.equal(large.body.length, LARGE);
      assert.equal(large.trailers['x-sum'], '7');
    });
  });

  it('pushes nothing: a sidecar does not let it', async () => {
    await using server = await startNghttpd('-p', '/=/pushed');
    await using sidecar = await WAYS.inbound(server);
    await calling(sidecar, async (session) => {
      let pushed = 0;
      session.on('stream', () => pushed++);
      for (let i = 0; i < 20; i++) isSmall(await callHttp2(session));
      assert.equal(pushed, 0);
    });
  });

  it('is asked no more at a time than it allows, and all are answered', async () => {
    await using server = await startNghttpd('-m', '4');
    await using sidecar = await WAYS.inbound(server);
    await calling(sidecar, async (session) => {
      const calls = Array.from({ length: 300 }, () => callHttp2(session));
      for (const reply of await Promise.all(calls)) isSmall(reply);
    });
  });

  it('takes uploads through small windows', async () => {
    await using server = await startNghttpd('-w', '8', '-W', '8');
    await using sidecar = await WAYS.inbound(server);
    await calling(sidecar, async (session) => {
      const calls = Array.from({ length: 20 }, () =>
        callHttp2(session, { body: Buffer.alloc(100_000) }),
      );
      for (const reply of await Promise.all(calls)) isSmall(reply);
    });
  });
});

describe('nginx behind a sidecar', { skip: without('nginx') }, () => {
  it('goes away every 20 requests, under load, and nobody notices', async () => {
    await using server = await ForeignServer.start('nginx', (scratch, { host, port }) => {
      const http = `  server {
    listen ${host}:${port} http2;
    keepalive_requests 20;
    location / { return 200 "from nginx"; }
  }`;
      return configureNginx({ scratch, workers: 1, connectionsMax: 512, http });
    });
    await using sidecar = await WAYS.inbound(server);
    await calling(sidecar, async (session) => {
      const askMany = async (): Promise<void> => {
        for (let i = 0; i < 200; i++) {
          const { body, status } = await callHttp2(session);
          assert.equal(`${status} ${body.toString()}`, '200 from nginx');
        }
      };
      await Promise.all([askMany(), askMany(), askMany(), askMany()]);
    });
  });
});

describe('proxies behind a sidecar that speak HTTP/2 with it', () => {
  let application: http.Server;
  let port: number;
  before(async () => {
    application = http.createServer((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => {
        response.setHeader('x-size', size);
        response.end(request.url === '/big' ? Buffer.alloc(MIB) : request.url);
      });
    });
    application.listen(0, '127.0.0.1');
    await once(application, 'listening');
    ({ port } = application.address() as AddressInfo);
  });
  after(() => {
    application.closeAllConnections();
    application.close();
  });

  for (const program of ['haproxy', 'nghttpx'] as const) {
    it(`${program}: bodies both ways, many at a time`, { skip: without(program) }, async () => {
      await using server = await ForeignServer.start(program, (scratch, listen) => {
        if (program === 'haproxy') {
          const front = { frontHttp2: true, backHttp2: false };
          const config = haproxyConfig(listen, `127.0.0.1:${port}`, front);
          return ['-db', '-f', scratch.write('haproxy.cfg', config)];
        }
        const config = `frontend=${listen.host},${listen.port};no-tls
backend=127.0.0.1,${port}
log-level=ERROR
`;
        return [`--conf=${scratch.write('nghttpx.conf', config)}`];
      });
      await using sidecar = await WAYS.outbound(server);
      await calling(sidecar, async (session) => {
        const calls = Array.from({ length: 300 }, (_, index) =>
          callHttp2(session, { path: `/${index}`, body: 'x'.repeat(index * 100) }),
        );
        for (const [index, reply] of (await Promise.all(calls)).entries()) {
          assert.equal(reply.status, 200);
          assert.equal(reply.headers['x-size'], String(index * 100));
          assert.equal(reply.body.toString(), `/${index}`);
        }
        const big = await callHttp2(session, { path: '/big', body: Buffer.alloc(2 * MIB) });
        assert.equal(big.body.length, MIB);
      });
    });
  }

  it(
    'nghttp, a sidecar, nghttpd: programs of others at both ends',
    {
      skip: without('nghttp', 'nghttpd'),
    },
    async () => {
      await using server = await startNghttpd();
      await using sidecar = await WAYS.inbound(server);
      const written = await runForeign('nghttp', '-m', '50', `http://${sidecar.address}/`);
      assert.equal(written, SMALL.repeat(50));
    },
  );
});
