/** curl before a sidecar and Node's own servers behind it, each in the protocol the other does not speak. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import { runForeign, without } from '../support/foreign.ts';
import { NodeApplication, sha256, type Summed } from '../support/node-application.ts';
import { callHttp2, connectHttp2 } from '../support/node-http2.ts';
import { Random } from '../support/random.ts';
import { headOf, readResponse } from '../support/raw-http.ts';
import { dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const MIB = 2 ** 20;
const BODY_BYTES = 10 * MIB;
const SEED = 5;

/** What curl speaks, and what its server must speak then. */
const WAYS = [
  { name: 'HTTP/1.1 to HTTP/2', flag: '--http1.1', to: 'http2', spoken: '1.1', asked: '2.0' },
  {
    name: 'HTTP/2 to HTTP/1.1',
    flag: '--http2-prior-knowledge',
    to: 'http1',
    spoken: '2',
    asked: '1.1',
  },
] as const;

for (const { name, flag, to, spoken, asked } of WAYS) {
  describe(`curl through a sidecar, ${name}`, { skip: without('curl') }, () => {
    let application: NodeApplication;
    let sidecar: Sidecar;
    let directory: string;
    let large: string;
    const body = new Random(SEED).bytes(BODY_BYTES);
    before(async () => {
      application = await NodeApplication.listen(to);
      sidecar = await Sidecar.inbound(application.port, '--forward-protocol', to);
      directory = await mkdtemp(path.join(os.tmpdir(), 'culvert-translation-'));
      large = path.join(directory, 'large');
      await writeFile(large, body);
    });
    after(async () => {
      await sidecar?.stop();
      await application?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    });

    const urlOf = (target: string): string => `http://${sidecar.address}${target}`;
    const curl = (target: string, ...args: readonly string[]): Promise<string> =>
      runForeign('curl', '-sS', '--max-time', '30', flag, ...args, urlOf(target));

    it('speaks what it should on either side', async () => {
      application.asked.length = 0;
      const written = await curl('/echo', '-d', 'hello', '-w', ' %{http_code} %{http_version}');
      assert.equal(written, `hello 200 ${spoken}`);
      assert.deepEqual(application.asked, [`${asked} POST`]);
    });

    it('carries 10 MB with their length, both ways', async () => {
      const got = path.join(directory, 'echo');
      const format = '%{size_upload} %{size_download}';
      const written = await curl('/echo', '--data-binary', `@${large}`, '-o', got, '-w', format);
      assert.equal(written, `${BODY_BYTES} ${BODY_BYTES}`);
      assert.equal(sha256(await readFile(got)), sha256(body));
    });

    it('carries 10 MB without their length, both ways at the same time', async () => {
      const got = path.join(directory, 'pipe');
      const chunked = ['-X', 'POST', '-T', large, '-H', 'Transfer-Encoding: chunked'];
      await curl('/pipe', ...chunked, '-o', got);
      assert.equal(sha256(await readFile(got)), sha256(body));
    });

    it('carries 10 MB up, and what is said of them down', async () => {
      const summed = JSON.parse(await curl('/sum', '--data-binary', `@${large}`)) as Summed;
      assert.deepEqual(summed, { bytes: BODY_BYTES, sha256: sha256(body) });
    });

    it('gets trailers', async () => {
      const written = await curl('/trailers', '-D', '-');
      // Behind the body, where curl has written that.
      assert.match(written, /with trailersx-sum: of the body\r\n$/i);
    });

    it('sends trailers', async () => {
      const summed = await sumWithTrailers(sidecar.address, flag === '--http1.1');
      assert.deepEqual(summed, { bytes: 5, sha256: sha256(Buffer.from('hello')), trailer: '7' });
    });

    it('gets answers without content: HEAD, 204, and an empty one', async () => {
      assert.match(await curl('/echo', '-I'), /^HTTP\/\S+ 200 [^]*content-length: 0\r/i);
      assert.equal(await curl('/none', '-w', '%{http_code}'), '204');
      assert.equal(await curl('/echo', '-w', '%{http_code} %{size_download}'), '200 0');
    });

    it('gets interim answers', async () => {
      const written = await curl('/hints', '-D', '-');
      assert.match(written, /^HTTP\/\S+ 103 [^]*rel=preload[^]*HTTP\/\S+ 200 [^]*at last$/);
    });

    it('gets events as they happen, until the server ends them', async () => {
      const listener = new Listening(flag, urlOf('/events'));
      await listener.heard('data: hello\n\n');
      for (const event of ['one', 'two']) {
        application.tell(event);
        await listener.heard(`data: ${event}\n\n`);
      }
      application.hangUp();
      assert.equal(await listener.exit(), 0);
    });

    it('that goes away is gone for the server too', async () => {
      const listener = new Listening(flag, urlOf('/events'));
      await listener.heard('data: hello\n\n');
      assert.equal(application.listeners.size, 1);
      listener.process.kill('SIGKILL');
      await listener.exit();
      // HTTP/1.1 learns of a client that is gone by writing to it.
      await eventually('the server to hear of it', () => {
        application.tell('anybody?');
        return application.listeners.size === 0;
      });
    });

    it('sees that an answer was cut', async () => {
      const listener = new Listening(flag, urlOf('/cut'));
      await listener.heard('begun');
      application.cut();
      assert.notEqual(await listener.exit(), 0);
      assert.equal(listener.text, 'begun');
    });

    it('is served again and again on one connection', async () => {
      application.asked.length = 0;
      if (flag === '--http1.1') {
        const urls = Array.from({ length: 49 }, () => urlOf('/none'));
        const written = await curl('/none', '-w', '%{num_connects}', ...urls);
        assert.equal(written, `1${'0'.repeat(49)}`);
      } else await askAtOnce(sidecar.address, 50);
      const all = Array.from({ length: 50 }, () => `${asked} GET`);
      assert.deepEqual(application.asked, all);
    });
  });
}

/** A curl whose output is read as it comes. */
class Listening {
  readonly process: ChildProcess;
  text = '';

  constructor(flag: string, url: string) {
    const args = ['-sS', '-N', '--max-time', '30', flag, url];
    this.process = spawn('curl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.process.stdout?.setEncoding('latin1').on('data', (text: string) => (this.text += text));
  }

  heard(text: string): Promise<unknown> {
    return eventually(text, () => this.text.endsWith(text));
  }

  /** Its exit code. */
  async exit(): Promise<number | null> {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) {
      await withDeadline('curl to exit', once(process, 'close'));
    }
    return process.exitCode;
  }
}

/** curl 7.88 loses its way when it uses a connection of prior knowledge again, whoever is behind it. */
async function askAtOnce(address: string, count: number): Promise<void> {
  const session = await connectHttp2(address);
  try {
    const calls = Array.from({ length: count }, () => callHttp2(session, { path: '/none' }));
    for (const { status } of await Promise.all(calls)) assert.equal(status, 204);
  } finally {
    session.destroy();
  }
}

/** curl sends no trailers. */
async function sumWithTrailers(address: string, http1: boolean): Promise<Summed> {
  if (!http1) {
    const session = await connectHttp2(address);
    try {
      const call = { path: '/sum', body: 'hello', trailers: { 'x-sum': '7' } };
      return JSON.parse((await callHttp2(session, call)).body.toString()) as Summed;
    } finally {
      session.destroy();
    }
  }
  using link = await dial(address);
  const head = headOf('POST /sum HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked');
  await link.send(`${head}5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n`);
  return JSON.parse((await readResponse(link)).body.toString()) as Summed;
}
