import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import { listens } from '../support/kernel-sockets.ts';
import { Load } from '../support/load.ts';
import { samplesOf } from '../support/mesh.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { headOf, okAnswer, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, PeerServer, splitAddress, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const UPSTREAM = { record: false } as const;

async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

async function ask(link: PeerLink): Promise<void> {
  await link.send(GET);
  assert.equal(statusOf(await readResponse(link)), 200);
}

/** So many connections, all accepted: each has had one answer. */
function dialAll(address: string, connections: number): Promise<PeerLink[]> {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const link = await dial(address);
      await ask(link);
      return link;
    }),
  );
}

/** Downstream connections of each thread. */
async function linksOf(sidecar: Sidecar, threads: number): Promise<number[]> {
  const samples = await samplesOf(sidecar);
  const of = (thread: number): number =>
    sumOf(samples, 'proxy_downstream_links', { thread: String(thread) });
  return Array.from({ length: threads }, (_, thread) => of(thread));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Which threads have been started again, once `restarts` have been in all. */
async function restarted(sidecar: Sidecar, restarts: number): Promise<number[]> {
  return eventually(`${restarts} restarts`, async () => {
    const samples = await samplesOf(sidecar);
    if (sumOf(samples, 'proxy_thread_restarts_total') < restarts) return undefined;
    return samples
      .filter(({ name, value }) => name === 'proxy_thread_restarts_total' && value > 0)
      .map(({ labels }) => Number(labels['thread']));
  });
}

const inboundFlags = (listen: string, port: number): readonly string[] => [
  '--inbound',
  listen,
  '--forward',
  `127.0.0.1:${port}`,
];

const startMortal = (port: number, threads: number): Promise<Sidecar> =>
  Sidecar.startMortal(...inboundFlags('127.0.0.1:0', port), '--threads', String(threads));

// A thread passes on what it accepts once it has more than 3/2 of the least busy one's, and 1.
for (const [threads, shareMin] of [
  [2, 20],
  [4, 8],
] as const) {
  it(`${threads} data threads share out connections and count each request once`, async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    await using sidecar = await Sidecar.inbound(upstream.port, '--threads', String(threads));
    const links: PeerLink[] = [];
    // A few at a time: of a burst a thread that gets no core is passed eight and no more.
    while (links.length < 64) links.push(...(await dialAll(sidecar.address, 4)));
    const shares = await linksOf(sidecar, threads);
    assert.equal(sum(shares), 64);
    assert.ok(Math.min(...shares) >= shareMin, `shares of ${shares.join()}`);

    for (let round = 1; round < 5; round++) await Promise.all(links.map(ask));
    for (const link of links) link.destroy();
    await eventually('all to be closed', async () => sum(await linksOf(sidecar, threads)) === 0);
    const samples = await samplesOf(sidecar);
    assert.equal(sumOf(samples, 'request_total'), 5 * 64);
    assert.equal(sumOf(samples, 'response_total', { classification: 'success' }), 5 * 64);
    assert.equal(sumOf(samples, 'response_latency_ms_count'), 5 * 64);
    assert.equal(sumOf(samples, 'tcp_open_total', { peer: 'src' }), 64);
    assert.equal(sumOf(samples, 'tcp_close_total', { peer: 'src' }), 64);
  });
}

it('two connections are on two data threads, each time', async () => {
  await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
  await using sidecar = await Sidecar.inbound(upstream.port, '--threads', '2');
  for (let round = 0; round < 10; round++) {
    // One after the other: which thread is the one to accept is the kernel's choice.
    const links = [...(await dialAll(sidecar.address, 1)), ...(await dialAll(sidecar.address, 1))];
    assert.deepEqual(await linksOf(sidecar, 2), [1, 1]);
    for (const link of links) link.destroy();
    await eventually('both to be closed', async () => sum(await linksOf(sidecar, 2)) === 0);
  }
});

describe('a data thread that dies', () => {
  it('takes only its own connections with it', async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    await using sidecar = await startMortal(upstream.port, 2);
    const links = await dialAll(sidecar.address, 64);
    const before = await linksOf(sidecar, 2);
    sidecar.signal('SIGUSR2');
    const [dead = -1, ...others] = await restarted(sidecar, 1);
    assert.deepEqual(others, []);
    await eventually(
      'its connections to end',
      () => links.filter(({ ended }) => ended).length === before[dead],
    );
    assert.equal((await sidecar.admin('/ready')).status, 200);

    const staying = links.filter(({ ended }) => !ended);
    assert.equal(staying.length, before[1 - dead]);
    await Promise.all(staying.map(ask));
    // Its next life listens at the same address, and is the less busy one.
    const fresh = await eventually('it to serve again', async () => {
      const more = await dialAll(sidecar.address, 4);
      links.push(...more);
      return ((await linksOf(sidecar, 2))[dead] ?? 0) > 0 ? more : undefined;
    });
    await Promise.all(fresh.map(ask));
    assert.deepEqual(links.filter(({ ended }) => ended).length, before[dead]);

    const asked = links.length + staying.length + fresh.length;
    assert.equal(sumOf(await samplesOf(sidecar), 'request_total'), asked);
    for (const link of links) link.destroy();
    await eventually('all to be closed', async () => sum(await linksOf(sidecar, 2)) === 0);
  });

  it('fails no request of another thread under load', async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    await using sidecar = await startMortal(upstream.port, 2);
    await using load = new Load(sidecar.address, { clients: 16, pauseMs: 1 });
    await eventually('the load to run', () => load.succeeded > 200);
    const before = await linksOf(sidecar, 2);
    sidecar.signal('SIGUSR2');
    const [dead = -1] = await restarted(sidecar, 1);
    const atRestart = load.succeeded;
    await eventually('the load to go on', () => load.succeeded > atRestart + 500);
    const { failed, failures, sent, succeeded } = await load.stop();
    assert.ok(failed <= (before[dead] ?? 0), failures.join('\n'));
    const counted = sumOf(await samplesOf(sidecar), 'request_total');
    assert.ok(counted >= succeeded && counted <= sent, `${succeeded} of ${sent}: ${counted}`);
  });

  it('leaves those who come waiting when it was the last one, and not refused', async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    await using sidecar = await startMortal(upstream.port, 2);
    const links = await dialAll(sidecar.address, 4);
    sidecar.signal('SIGHUP');
    await Promise.all(links.map((link) => link.untilEnded()));
    const late = await dialAll(sidecar.address, 16);
    assert.deepEqual(await restarted(sidecar, 2), [0, 1]);
    await Promise.all(late.map(ask));
    assert.equal((await sidecar.admin('/ready')).status, 200);
    assert.equal(sumOf(await samplesOf(sidecar), 'request_total'), 4 + 16 + 16);
    for (const link of late) link.destroy();
  });
});

describe('the address', () => {
  const TWO = ['--threads', '2'];

  for (const [what, first, second] of [
    ['two threads is not to be had by two of another process', TWO, TWO],
    ['two threads is not to be had by one of another process', TWO, []],
    ['one thread is not to be had by two of another process', [], TWO],
  ] as const) {
    it(`of ${what}`, async () => {
      await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
      await using sidecar = await Sidecar.inbound(upstream.port, ...first);
      const same = inboundFlags(sidecar.address, upstream.port);
      await using thief = Sidecar.spawn(...same, '--admin', '127.0.0.1:0', ...second);
      const exit = await withDeadline('the second to exit', thief.exited);
      assert.deepEqual(exit, { code: 1, signal: null });
      assert.match(thief.stderr, new RegExp(`EADDRINUSE.*${sidecar.address}`));
      for (const link of await dialAll(sidecar.address, 4)) link.destroy();
    });
  }

  it('of two threads is free again when their process has ended', async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    const first = await Sidecar.inbound(upstream.port, ...TWO);
    const address = first.address;
    await first.stop();
    const same = inboundFlags(address, upstream.port);
    await using second = await Sidecar.start(...same, ...TWO);
    assert.equal(second.address, address);
    for (const link of await dialAll(address, 2)) link.destroy();
  });
});

describe('draining several data threads', () => {
  const HELD = 'GET /held HTTP/1.1';
  const DRAIN = ['--drain-quiet-ms', '300', '--drain-deadline-ms', '20000', '--threads', '2'];

  it('ends with 0 after every exchange under way on each of them', async () => {
    const held: PeerLink[] = [];
    await using upstream = await PeerServer.listen(async (link) => {
      while ((await readRequest(link)).startLine !== HELD) await link.send(okAnswer());
      held.push(link);
    }, UPSTREAM);
    await using sidecar = await Sidecar.inbound(upstream.port, ...DRAIN);
    const links = await dialAll(sidecar.address, 16);
    assert.ok(Math.min(...(await linksOf(sidecar, 2))) > 0);
    await Promise.all(links.map((link) => link.send(headOf(HELD, 'Host: web'))));
    await eventually('all requests upstream', () => held.length === links.length);
    sidecar.signal('SIGTERM');
    const port = splitAddress(sidecar.address)[1];
    await eventually('the listeners to close', async () =>
      process.platform === 'linux'
        ? !listens(port)
        : (await sidecar.admin('/ready')).status === 503,
    );
    await Promise.all(held.map((link) => link.send(okAnswer())));
    const statuses = await Promise.all(
      links.map(async (link) => statusOf(await readResponse(link))),
    );
    assert.deepEqual(new Set(statuses), new Set([200]));
    const exit = await withDeadline('the sidecar to exit', sidecar.exited, 15_000);
    assert.deepEqual(exit, { code: 0, signal: null });
  });

  it('outbound serves until the last connection of any thread is gone', async () => {
    await using upstream = await PeerServer.listen(answerAll, UPSTREAM);
    await using sidecar = await Sidecar.outbound([upstream.port], ...DRAIN);
    const links = await dialAll(sidecar.address, 8);
    sidecar.signal('SIGTERM');
    await eventually(
      'readiness to fail',
      async () => (await sidecar.admin('/ready')).status === 503,
    );
    while (links.length > 0) {
      await Promise.all(links.map(ask));
      links.pop()!.destroy();
    }
    const exit = await withDeadline('the sidecar to exit', sidecar.exited, 15_000);
    assert.deepEqual(exit, { code: 0, signal: null });
  });
});
