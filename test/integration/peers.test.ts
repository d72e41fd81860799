import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { eventually, withDeadline } from '../support/deadline.ts';
import { dial, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;

/** A reason to skip when `command` is not installed. */
const without = (command: string): string | false =>
  spawnSync(command, ['-v']).error === undefined ? false : `${command} is not installed`;

/** Answers with the target, or 1 MiB, and tells what it was asked. */
async function tell(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  let size = 0;
  for await (const chunk of request) size += (chunk as Buffer).length;
  response.setHeader('X-Size', size);
  if (request.method !== 'HEAD') {
    response.setHeader('Trailer', 'X-Sum');
    response.addTrailers({ 'X-Sum': String(size) });
  }
  response.end(request.url?.startsWith('/big') ? Buffer.alloc(MIB, 'b') : request.url);
}

async function startNodeServer(): Promise<http.Server> {
  const server = http.createServer((request, response) => void tell(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

/** Runs a server program in the foreground with `config` in a directory of its own. */
class Peer implements AsyncDisposable {
  readonly #directory: string;
  readonly #child;
  #stderr = '';

  private constructor(directory: string, command: string, args: string[]) {
    this.#directory = directory;
    this.#child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr.on('data', (text) => (this.#stderr += String(text)));
  }

  static async start(command: 'nginx' | 'haproxy', port: number, config: string): Promise<Peer> {
    const directory = await mkdtemp(path.join(os.tmpdir(), `culvert-${command}-`));
    const file = path.join(directory, 'config');
    await writeFile(file, config.replaceAll('DIRECTORY', directory));
    const args = command === 'nginx' ? ['-p', directory, '-c', file, '-e', 'stderr'] : ['-f', file];
    const peer = new Peer(directory, command, args);
    const up = () =>
      dial(port).then(
        (link) => (link.destroy(), true),
        () => false,
      );
    await eventually(() => `${command} to listen: ${peer.#stderr}`, up);
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM');
      await withDeadline('a peer to exit', exited);
    }
    await rm(this.#directory, { recursive: true });
  }
}

const nginxConfig = (port: number) => `
daemon off; worker_processes 1; pid DIRECTORY/pid;
events { worker_connections 256; }
http {
  access_log off; keepalive_timeout 1s; keepalive_requests 50;
  client_body_temp_path DIRECTORY/a; proxy_temp_path DIRECTORY/b; fastcgi_temp_path DIRECTORY/c;
  uwsgi_temp_path DIRECTORY/d; scgi_temp_path DIRECTORY/e;
  server { listen 127.0.0.1:${port}; location / { return 200 "from nginx"; } }
}`;

const haproxyConfig = (front: number, back: number, sidecar: string, server: number) => `
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
listen front
  bind 127.0.0.1:${front}
  server sidecar ${sidecar}
listen back
  bind 127.0.0.1:${back}
  server application 127.0.0.1:${server}
`;

/** Runs curl; resolves to what it wrote on stdout. */
async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args], {
    maxBuffer: 8 * MIB,
  });
  return stdout;
}

describe('real peers through a sidecar', () => {
  let server: http.Server;
  let inbound: Sidecar;
  let outbound: Sidecar;
  before(async () => {
    server = await startNodeServer();
    inbound = await Sidecar.inbound(portOf(server));
    outbound = await Sidecar.outbound([portOf(server)]);
  });
  after(async () => {
    await Promise.all([inbound?.stop(), outbound?.stop()]);
    server?.closeAllConnections();
    server?.close();
  });

  describe('curl', { skip: without('curl') }, () => {
    for (const [name, args, body] of [
      ['GET', [], '/x'],
      ['HTTP/1.0', ['--http1.0'], '/x'],
      ['an upgrade to h2c', ['--http2'], '/x'],
      ['POST', ['-d', 'hello'], '/x'],
      ['chunked POST', ['-d', 'hello', '-H', 'Transfer-Encoding: chunked'], '/x'],
      ['Expect: 100-continue', ['-d', 'hello', '-H', 'Expect: 100-continue'], '/x'],
      ['PUT', ['-X', 'PUT', '-d', 'hello'], '/x'],
    ] as const) {
      it(`is served: ${name}`, async () => {
        const written = await curl(...args, '-w', ' %{http_code}', `http://${inbound.address}/x`);
        assert.equal(written, `${body} 200`);
      });
    }

    it('is served: HEAD', async () => {
      assert.match(await curl('-I', `http://${inbound.address}/x`), /^HTTP\/1\.1 200 OK\r\n/);
    });

    it('is served: bodies of 1 MiB each way', async () => {
      const directory = await mkdtemp(path.join(os.tmpdir(), 'culvert-curl-'));
      try {
        const file = path.join(directory, 'body');
        await writeFile(file, Buffer.alloc(MIB, 'a'));
        const url = `http://${inbound.address}/big`;
        const format = '%{http_code} %{size_upload} %{size_download}';
        const written = await curl(
          '-o',
          '/dev/null',
          '-w',
          format,
          '--data-binary',
          `@${file}`,
          url,
        );
        assert.equal(written, `200 ${MIB} ${MIB}`);
      } finally {
        await rm(directory, { recursive: true });
      }
    });

    it('is served: outbound as its proxy, keeping the connection', async () => {
      const format = '\n%{http_code} %{num_connects}\n';
      const proxy = `http://${outbound.address}`;
      const written = await curl('-x', proxy, '-w', format, 'http://web/a', 'http://web/b');
      assert.equal(written, '/a\n200 1\n/b\n200 0\n');
    });

    it('gets the sentence for a service that does not exist', async () => {
      const args = ['-D', '-', '-o', '/dev/null', '-x', `http://${outbound.address}`];
      const written = await curl(...args, 'http://nobody.invalid/');
      assert.match(written, /^HTTP\/1\.1 404 [^]*^culvert-proxy-error: .*nobody\.invalid/im);
    });
  });

  it("Node's http client: 300 requests on kept connections, with trailers", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const [host, port] = inbound.address.split(':');
    const ask = async (index: number): Promise<void> => {
      const method = index % 3 === 0 ? 'POST' : 'GET';
      const request = http.request({ host, port, agent, method, path: `/${index}` });
      request.end(method === 'POST' ? 'x'.repeat(index) : undefined);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      assert.equal(response.statusCode, 200);
      assert.equal(body, `/${index}`);
      const size = method === 'POST' ? index : 0;
      assert.equal(response.headers['x-size'], String(size));
      assert.equal(response.trailers['x-sum'], String(size));
    };
    try {
      await Promise.all(Array.from({ length: 300 }, (_, index) => ask(index)));
    } finally {
      agent.destroy();
    }
  });

  it('fetch: small, large and streamed bodies', async () => {
    const base = `http://${inbound.address}`;
    assert.equal(await (await fetch(`${base}/small`)).text(), '/small');
    const large = await fetch(`${base}/big`, { method: 'POST', body: Buffer.alloc(MIB) });
    assert.equal((await large.arrayBuffer()).byteLength, MIB);
    assert.equal(large.headers.get('x-size'), String(MIB));
    const streamed = await fetch(`${base}/streamed`, {
      method: 'POST',
      duplex: 'half',
      body: new ReadableStream({
        start(controller) {
          for (let count = 0; count < 10; count++) controller.enqueue(Buffer.alloc(1000));
          controller.close();
        },
      }),
    });
    assert.equal(await streamed.text(), '/streamed');
    assert.equal(streamed.headers.get('x-size'), '10000');
  });

  it(
    'nginx as upstream, which ends its connections often',
    { skip: without('nginx') },
    async () => {
      const port = await unusedPort();
      await using _nginx = await Peer.start('nginx', port, nginxConfig(port));
      await using sidecar = await Sidecar.inbound(port);
      const ask = async (count: number): Promise<void> => {
        for (let index = 0; index < count; index++) {
          const response = await fetch(`http://${sidecar.address}/`);
          assert.equal(await response.text(), 'from nginx');
        }
      };
      await Promise.all([ask(200), ask(200), ask(200)]);
    },
  );

  it('HAProxy on both sides', { skip: without('haproxy') }, async () => {
    const [front, back] = [await unusedPort(), await unusedPort()];
    await using sidecar = await Sidecar.inbound(back);
    const config = haproxyConfig(front, back, sidecar.address, portOf(server));
    await using _haproxy = await Peer.start('haproxy', front, config);
    for (let index = 0; index < 100; index++) {
      const url = `http://127.0.0.1:${front}/${index}`;
      const body = 'x'.repeat(index * 100);
      const response = await fetch(url, { method: 'POST', body });
      assert.equal(await response.text(), `/${index}`);
      assert.equal(response.headers.get('x-size'), String(body.length));
    }
    const big = await fetch(`http://127.0.0.1:${front}/big`);
    assert.equal((await big.arrayBuffer()).byteLength, MIB);
  });
});
