/**
 * Mixed load through a mesh whose endpoints change all the time, for 10 minutes (or the first
 * argument): no request fails, memory stops growing, every connection and descriptor comes back.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { residentBytes } from '../support/kernel-sockets.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf, type Replica } from '../support/mesh.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { Random, seedOfRun } from '../support/random.ts';
import type { Sidecar } from '../support/sidecar.ts';

const CHURN_MS = 400;
const SAMPLES = 60;
const PODS = ['web-1', 'web-2', 'web-3'];
/** What the last third of the time may hold more than the one before it. */
const GROWTH_MAX = 1.05;
const GROWTH_BYTES_MAX = 3 * 2 ** 20;
/** Descriptors that a process may hold more at the end than at the start: its control streams. */
const DESCRIPTORS_MORE_MAX = 4;
const MIB = 2 ** 20;

const minutes = argument('minutes', 10);
const seed = seedOfRun();
const random = new Random(seed);
const problems: string[] = [];
const rows: Record<string, number | string> = { seed };

const descriptors = async (sidecar: Sidecar): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'process_open_fds');

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Small GETs, answers to 200 kB, bodies to 100 kB, and connections that end. */
const startLoad = (address: string): Load =>
  new Load(address, {
    clients: 4,
    pauseMs: 2,
    requestLine: (n) => {
      if (n % 5 === 0) return `POST /things/${n % 10}`;
      return n % 7 === 0 ? `GET /large?padding=${(n * 7919) % 200_000}` : `GET /things/${n % 10}`;
    },
    bodyBytes: (n) => (n % 5 === 0 ? 1 + ((n * 104_729) % 100_000) : 0),
    closes: (n) => n % 50 === 0,
  });

/** A random set of endpoints, never none, until `ended`. */
async function churn(mesh: Mesh, replicas: readonly Replica[], ended: () => boolean) {
  let changes = 0;
  while (!ended()) {
    const some = replicas.filter(() => random.chance(0.6));
    await mesh.publish('web', some.length > 0 ? some : [random.pick(replicas)]);
    changes++;
    await pause(CHURN_MS);
  }
  return changes;
}

/** Memory of each process over time, bytes. */
async function watch(sidecars: ReadonlyMap<string, Sidecar>, load: Load) {
  const seen = new Map([...sidecars.keys()].map((name) => [name, [] as number[]]));
  for (let sample = 1; sample <= SAMPLES; sample++) {
    await pause((minutes * 60_000) / SAMPLES);
    for (const [name, { ready }] of sidecars) seen.get(name)!.push(residentBytes(ready.pid));
    if (sample % 6 !== 0) continue;
    const mib = [...seen.values()].map((values) => Math.round(values.at(-1)! / MIB));
    say(`${sample} of ${SAMPLES}: ${load.succeeded} answers, resident ${mib.join(' ')} MiB`);
  }
  return seen;
}

function judgeMemory(seen: ReadonlyMap<string, readonly number[]>): void {
  for (const [name, values] of seen) {
    const third = Math.floor(values.length / 3);
    const [middle, last] = [median(values.slice(third, 2 * third)), median(values.slice(-third))];
    rows[`${name} resident`] = `${(middle / MIB).toFixed(1)} then ${(last / MIB).toFixed(1)} MiB`;
    if (last > middle * GROWTH_MAX + GROWTH_BYTES_MAX) {
      problems.push(`${name} grows: ${rows[`${name} resident`]} (medians of thirds)`);
    }
  }
}

/** Connections close once they have been idle; what is left then is a leak. */
async function judgeLeaks(
  sidecars: ReadonlyMap<string, Sidecar>,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  for (const [name, sidecar] of sidecars) {
    try {
      await eventually(
        'no open connection',
        async () => sumOf(await samplesOf(sidecar), 'tcp_open_connections') === 0,
        15_000,
      );
    } catch {
      const open = sumOf(await samplesOf(sidecar), 'tcp_open_connections');
      problems.push(`${name} keeps ${open} connections`);
    }
    const now = await descriptors(sidecar);
    rows[`${name} descriptors`] = `${before.get(name)} then ${now}`;
    if (now > before.get(name)! + DESCRIPTORS_MORE_MAX) {
      problems.push(`${name} keeps descriptors: ${rows[`${name} descriptors`]}`);
    }
  }
}

say(`CULVERT_TEST_SEED=${seed}`);
await using mesh = await Mesh.start();
const replicas = await Promise.all(PODS.map((pod) => mesh.replica(pod)));
const caller = await mesh.caller('bot-1', ['web']);
const sidecars = new Map([
  ['bot-1', caller],
  ...replicas.map(({ pod, sidecar }) => [pod, sidecar] as const),
]);
await mesh.publish('web', replicas);
await mesh.knows('web');
const before = new Map<string, number>();
for (const [name, sidecar] of sidecars) before.set(name, await descriptors(sidecar));

const load = startLoad(caller.wayOut);
let ended = false;
const churned = churn(mesh, replicas, () => ended);
const seen = await watch(sidecars, load);
ended = true;
rows['changes of endpoints'] = await churned;
const totals = await load.stop();
rows['requests'] = totals.sent;
rows['failed'] = totals.failed;
problems.push(...totals.failures);
judgeMemory(seen);
await judgeLeaks(sidecars, before);
conclude(`soak, ${minutes} min`, rows, problems);
