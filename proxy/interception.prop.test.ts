import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpointResource } from '../test/support/endpoints.ts';
import { InterceptionBench, POD } from '../test/support/interception-bench.ts';
import type { MemoryPeer, React } from '../test/support/memory-world.ts';
import { GET, answering } from '../test/support/stack-bench.ts';
import { timeouts } from './limits.ts';

/** What is behind an address, for who dials it. */
type Kind = 'http' | 'bytes' | 'greeter' | 'nobody';

interface Place {
  readonly host: string;
  readonly port: number;
  readonly kind: Kind;
  /** Of a service: its pod is elsewhere. */
  readonly service: boolean;
}

const HOSTS = ['192.0.2.1', '192.0.2.2', '10.96.0.3', 'fd00::4'] as const;
const PORTS = [22, 80, 5432, 8080] as const;

const place: fc.Arbitrary<Place> = fc.record({
  host: fc.constantFrom(...HOSTS),
  port: fc.constantFrom(...PORTS),
  kind: fc.constantFrom<Kind>('http', 'bytes', 'greeter', 'nobody'),
  service: fc.boolean(),
});

const scenario = fc.record({
  places: fc.uniqueArray(place, {
    minLength: 1,
    maxLength: 8,
    selector: ({ host, port }) => `${host} ${port}`,
  }),
  dials: fc.array(fc.nat(), { minLength: 1, maxLength: 25 }),
  draws: fc.infiniteStream(fc.nat()),
});

const nameOf = ({ host, port }: Place): string => `<${host} ${port}>`;

function serverOf(one: Place): React {
  const name = nameOf(one);
  if (one.kind === 'http') {
    return answering(() => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
  }
  return (peer) => {
    if (peer.take() !== '') peer.send(name);
  };
}

/** What a client of the place says first. */
const saidTo = ({ kind }: Place): string =>
  kind === 'http' ? GET : kind === 'greeter' ? '' : '\0\x01binary';

function assertReached(one: Place, client: MemoryPeer, inbound: boolean): void {
  if (one.kind !== 'nobody') return assert.ok(client.text.endsWith(nameOf(one)), client.text);
  assert.equal(client.text, '', 'nobody answers in its place');
  if (!inbound) assert.equal(client.closed, true, nameOf(one));
}

const POD_OF_SERVICES = '10.1.0.77';
const podPort = (index: number): number => 10_000 + index;
const keyOf = ({ host, port }: Place): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

interface Greeter {
  readonly peers: readonly MemoryPeer[];
  readonly greeting: string;
}

/** Serves every place, directly or through the service's pod; returns who speaks first. */
async function serveAll(
  made: InterceptionBench,
  places: readonly Place[],
): Promise<readonly Greeter[]> {
  const greeters: Greeter[] = [];
  for (const [i, one] of places.entries()) {
    if (one.kind === 'nobody') continue;
    const { host, port } = one;
    const at = one.service ? { host: POD_OF_SERVICES, port: podPort(i) } : { host, port };
    const peers = await made.serve(at, serverOf(one));
    if (one.kind === 'greeter') greeters.push({ peers, greeting: nameOf(one) });
  }
  return greeters;
}

/** Servers that speak first do so, each once. */
function greetAll(made: InterceptionBench, greeters: readonly Greeter[]): void {
  for (const { peers, greeting } of greeters) {
    for (const peer of peers) if (!peer.closed) peer.send(greeting);
  }
  made.bench.world.run();
}

/** The controller answers what it is asked, as far as it has not. */
function answerAll(made: InterceptionBench, places: readonly Place[], told: Set<string>): void {
  for (const [i, one] of places.entries()) {
    const key = keyOf(one);
    if (!made.asked.has(key) || told.has(key)) continue;
    told.add(key);
    if (!one.service) made.tellUnknown(key);
    else {
      const endpoint = endpointResource({ host: POD_OF_SERVICES, port: podPort(i) });
      const named = { authority: key, service: `s${i}`, namespace: 'demo', port: one.port };
      made.tell(key, { ...named, endpoints: [endpoint], routes: [] });
    }
  }
}

test('outbound: any mix of destinations through one listener goes where each was going', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ places, dials, draws }) => {
      const choose = (count: number): number => Number(draws.next().value) % count;
      const made = await InterceptionBench.outbound(undefined, true, { choose });
      const greeters = await serveAll(made, places);
      const told = new Set<string>();
      const clients = dials.map((nth) => {
        const one = places[nth % places.length]!;
        return { one, client: made.dial(one, saidTo(one)) };
      });
      answerAll(made, places, told);
      // A server that speaks first is dialled when its client has been silent for a while.
      made.advance(timeouts.detectTimeoutMs + 200);
      greetAll(made, greeters);
      for (const { one, client } of clients) {
        const refusedService = one.kind === 'nobody' && one.service;
        if (!refusedService) assertReached(one, client, false);
      }
      made.bench.finish(clients.map(({ client }) => client));
      made.bench.world.clock.wheel.stop();
      made.bench.world.clock.fineWheel.stop();
    }),
    { numRuns: 60 },
  );
});

test('inbound: any mix of ports through one listener goes to the one that was dialled', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ places, dials, draws }) => {
      const choose = (count: number): number => Number(draws.next().value) % count;
      const own = places.map((one, i) => ({ ...one, host: POD, port: 7_000 + i, service: false }));
      const made = await InterceptionBench.inbound(undefined, undefined, { choose });
      const greeters = await serveAll(made, own);
      const clients = dials.map((nth) => {
        const one = own[nth % own.length]!;
        return { one, client: made.dial(one, saidTo(one)) };
      });
      made.advance(timeouts.detectTimeoutMs + 200);
      greetAll(made, greeters);
      for (const { one, client } of clients) assertReached(one, client, true);
      made.bench.finish(clients.map(({ client }) => client));
      made.bench.world.clock.wheel.stop();
      made.bench.world.clock.fineWheel.stop();
    }),
    { numRuns: 60 },
  );
});
