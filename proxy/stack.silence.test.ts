/** Connections on which neither side has said anything, and a server may be the first to. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { APPLICATION, GET, LISTEN, StackBench, serving } from '../test/support/stack-bench.ts';
import type { MemoryPeer, React } from '../test/support/memory-world.ts';
import type { Downstreams } from './accept/downstreams.ts';
import { applyLimits, timeouts } from './limits.ts';
import { inboundStack } from './stack.ts';
import type { Link, Transport } from './transport/link.ts';
import type { MemoryLink } from './transport/memory-link.ts';

interface Silence {
  readonly bench: StackBench;
  readonly applications: MemoryPeer[];
  /** The proxy's ends of all connections, downstream and upstream. */
  readonly links: MemoryLink[];
}

async function open(t: TestContext, react?: React): Promise<Silence> {
  const bench = new StackBench();
  const { clock, transport } = bench.world;
  t.after(() => clock.wheel.stop());
  t.after(() => clock.fineWheel.stop());
  const links: MemoryLink[] = [];
  const seen = (link: Link): Link => {
    links.push(link as MemoryLink);
    return link;
  };
  const tapped: Transport = {
    listen: (address, counts, accept) =>
      transport.listen(address, counts, (link) => accept(seen(link))),
    dial: (options, events) => seen(transport.dial(options, events)),
  };
  const applications = await bench.world.serve(APPLICATION, react);
  const side: Downstreams = inboundStack({ ...bench.parts, transport: tapped }, APPLICATION);
  await bench.open('inbound', side);
  side.add(await tapped.listen(TAPPED, bench.counts.links('inbound', 'src'), side.accept));
  return { bench, applications, links };
}

const TAPPED = { host: LISTEN.host, port: LISTEN.port + 1 };

test('links on which both sides are silent are watched by keep-alive', async (t) => {
  const { applications, bench, links } = await open(t);
  const client = bench.world.connect(TAPPED);
  bench.world.run();
  bench.world.advance(timeouts.serverFirstMs + 20);
  assert.equal(applications.length, 1, 'dialled');
  assert.deepEqual(
    links.map(({ keepsAlive }) => keepsAlive),
    [true, true],
  );
  // Both went without a word: nothing else can tell.
  bench.world.clock.turn.run(() => links[0]?.fail('ETIMEDOUT'));
  bench.finish([client]);
});

test('a silent client whose server went away is closed when it idled too long', async (t) => {
  const { applications, bench } = await open(t, serving);
  // A client has spoken first here.
  const first = bench.client(GET);
  const silent = bench.client();
  bench.world.advance(timeouts.detectTimeoutMs + 200);
  const [, heard] = applications;
  assert(heard !== undefined, 'dialled');
  heard.reset();
  bench.world.run();
  assert.equal(silent.closed, false);
  bench.world.advance(timeouts.downstreamIdleMs + 500);
  assert.equal(silent.ended || silent.closed, true);
  bench.finish([first, silent]);
});

/** As many bytes as no HTTP begins with. */
const BINARY = '\0\0\0\x08\x04\xd2\x16\x2f';

test('a tunnel is watched by keep-alive once it has lasted, and not before', async (t) => {
  const { bench, links } = await open(t);
  const client = bench.world.connect(TAPPED);
  client.send(BINARY);
  bench.world.run();
  const watched = (): readonly boolean[] => links.map(({ keepsAlive }) => keepsAlive);
  bench.world.advance(9_000);
  assert.deepEqual(watched(), [false, false]);
  bench.world.advance(1_500);
  assert.deepEqual(watched(), [true, true]);
  bench.world.advance(24 * 3_600_000);
  assert.equal(client.closed, false, 'it may be silent for as long as it likes');
  bench.finish([client]);
});

test('a tunnel is watched in time for a bound that is shorter', async (t) => {
  const { tcpUserTimeoutMs } = timeouts;
  t.after(() => applyLimits({ tcpUserTimeoutMs }));
  applyLimits({ tcpUserTimeoutMs: 2_000 });
  const { bench, links } = await open(t);
  const client = bench.world.connect(TAPPED);
  client.send(BINARY);
  bench.world.run();
  bench.world.advance(2_500);
  assert.deepEqual(
    links.map(({ keepsAlive }) => keepsAlive),
    [true, true],
  );
  bench.finish([client]);
});
