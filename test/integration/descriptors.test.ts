import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fitDescriptors } from '../../proxy/descriptors.ts';
import { eventually, settled, withDeadline } from '../support/deadline.ts';
import { cpuMsOf, descriptorsOf, nextDescriptorOf } from '../support/kernel-sockets.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import {
  headOf,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const LIMIT = 256;
const EXISTING = 20;
const FLOOD = 400;
/** Downstream connections that the limit leaves room for. */
const servedMax = (threads: number): number =>
  fitDescriptors({}, { limit: LIMIT, threads, listeners: 1 }).downstreamLinksMax!;
const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const LINK = { record: false } as const;
const skip = process.platform !== 'linux' && 'it reads /proc';
const skipPrlimit =
  skip || (spawnSync('prlimit', ['--version']).status !== 0 && 'prlimit is not installed');

async function serve(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

async function ask(link: PeerLink): Promise<number> {
  await link.send(GET);
  return statusOf(await readResponse(link));
}

/** What becomes of a request on a new connection, which `links` gets: a status, or a reset. */
async function outcomeOf(sidecar: Sidecar, links: PeerLink[]): Promise<number | 'reset'> {
  try {
    const link = await dial(sidecar.address, LINK);
    links.push(link);
    await link.send(GET);
    const response = await readResponse(link);
    const status = statusOf(response);
    if (status === 503) assert.deepEqual(valuesOf(response.fields, 'connection'), ['close']);
    return status;
  } catch (error) {
    const reset = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
    if (reset || error instanceof EndOfBytesError) return 'reset';
    throw error;
  }
}

const samplesOf = async (sidecar: Sidecar) => parseSamples((await sidecar.admin('/metrics')).text);

/** CPU milliseconds that the sidecar uses in `ms`. */
async function cpuMsDuring(sidecar: Sidecar, ms: number): Promise<number> {
  const before = cpuMsOf(sidecar.ready.pid);
  await pause(ms);
  return cpuMsOf(sidecar.ready.pid) - before;
}

describe(`a sidecar with ${LIMIT} descriptors`, { skip }, () => {
  for (const threads of [1, 2]) {
    it(`with --threads ${threads} serves those it has, refuses and counts others, then forgets them`, async () => {
      await using upstream = await PeerServer.listen(serve, LINK);
      const forward = ['--inbound', '127.0.0.1:0', '--forward', `127.0.0.1:${upstream.port}`];
      const ways = [...forward, '--threads', String(threads)];
      await using sidecar = await Sidecar.startLimited(LIMIT, ...ways);
      const descriptors = (): number => descriptorsOf(sidecar.ready.pid);
      await samplesOf(sidecar);
      const before = descriptors();
      const existing = await Promise.all(
        Array.from({ length: EXISTING }, () => dial(sidecar.address, LINK)),
      );
      for (const link of existing) assert.equal(await ask(link), 200);

      const sinceMs = performance.now();
      const flood: PeerLink[] = [];
      const became = await Promise.all(
        Array.from({ length: FLOOD }, () => outcomeOf(sidecar, flood)),
      );
      const outcomes = Map.groupBy(became, (outcome) => outcome);
      const count = (outcome: number | 'reset'): number => outcomes.get(outcome)?.length ?? 0;
      const refused = count(503) + count('reset');
      assert.equal(refused + count(200), FLOOD, [...outcomes.keys()].join());
      // Several threads see each other's connections a moment late: one each, more or less.
      const late = threads === 1 ? 0 : threads;
      const missed = Math.abs(servedMax(threads) - EXISTING - count(200));
      assert.ok(missed <= late, `${count(200)} of ${servedMax(threads) - EXISTING} were served`);
      assert.ok(count(503) > 0, 'some are told');
      assert.ok(descriptors() < LIMIT, `${descriptors()} descriptors`);

      // All at once: each finds a way on, whatever the others hold.
      assert.deepEqual(
        await Promise.all(existing.map(ask)),
        existing.map(() => 200),
      );
      const samples = await samplesOf(sidecar);
      assert.equal(sumOf(samples, 'proxy_links_refused_total'), refused);
      const error = { error: 'out-of-descriptors' };
      assert.equal(sumOf(samples, 'proxy_errors_total', error), refused);
      const cpuMs = await cpuMsDuring(sidecar, 1_000);
      assert.ok(cpuMs < 200, `${cpuMs} ms of CPU in a second without requests`);
      const seconds = (performance.now() - sinceMs) / 1_000;
      const lines = sidecar.stderr
        .split('\n')
        .filter((line) => line.includes('as many as a limit of 256 open files allows'));
      assert.ok(lines.length >= 1 && lines.length <= seconds + 1, sidecar.stderr);

      for (const link of [...flood, ...existing]) link.destroy();
      await eventually(
        () => `${before} descriptors, from ${descriptors()}`,
        () => descriptors() <= before,
      );
      using after = await dial(sidecar.address, LINK);
      assert.equal(await ask(after), 200);
    });
  }

  it('tells the local application why, in a sentence', async () => {
    await using upstream = await PeerServer.listen(serve, LINK);
    const ways = ['--outbound', '127.0.0.1:0', '--to', `web=127.0.0.1:${upstream.port}`];
    await using sidecar = await Sidecar.startLimited(LIMIT, ...ways);
    const links = await Promise.all(
      Array.from({ length: servedMax(1) + 1 }, () => dial(sidecar.address, LINK)),
    );
    const told = await withDeadline(
      'a refusal',
      Promise.any(links.map((link) => readResponse(link))),
    );
    assert.equal(statusOf(told), 503);
    const [sentence] = valuesOf(told.fields, 'culvert-proxy-error');
    assert.match(
      sentence!,
      /^This proxy has \d+ downstream connections, as many as a limit of 256/,
    );
    for (const link of links) link.destroy();
  });
});

it(
  'a sidecar whose limit leaves no room to serve does not start, and says so',
  { skip },
  async () => {
    const ways = ['--inbound', '127.0.0.1:0', '--forward', '127.0.0.1:1'];
    await assert.rejects(
      Sidecar.startLimited(64, ...ways),
      /exited with 1 [\s\S]*the limit of open files is 64: .* needs \d+ \(ulimit -n\)/,
    );
  },
);

it(
  'a sidecar that gets no descriptor for a dial answers 503 and closes',
  { skip: skipPrlimit },
  async () => {
    await using upstream = await PeerServer.listen(serve, LINK);
    await using sidecar = await Sidecar.outbound([upstream.port]);
    const { pid } = sidecar.ready;
    const limit = (descriptors: number): void => {
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${descriptors}:`]);
    };
    using link = await dial(sidecar.address, LINK);
    await eventually('the connection', async () => {
      return sumOf(await samplesOf(sidecar), 'tcp_open_connections') === 1;
    });
    // The connection to the admin port that said so is gone too.
    await settled(() => descriptorsOf(pid));
    limit(nextDescriptorOf(pid));
    await link.send(GET);
    const response = await readResponse(link);
    assert.equal(statusOf(response), 503);
    assert.deepEqual(valuesOf(response.fields, 'connection'), ['close']);
    assert.match(
      valuesOf(response.fields, 'culvert-proxy-error').join(),
      /No descriptor for .*EMFILE/,
    );
    // Others are accepted and closed by the system's own reserve, and the loop rests.
    assert.equal(await outcomeOf(sidecar, []), 'reset');
    const cpuMs = await cpuMsDuring(sidecar, 500);
    assert.ok(cpuMs < 150, `${cpuMs} ms of CPU in half a second without requests`);
    limit(1_000);
    using after = await dial(sidecar.address, LINK);
    assert.equal(await ask(after), 200);
  },
);
