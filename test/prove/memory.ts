/**
 * Memory of a sidecar at idle, after a trim, loaded, and idle again; what a trim costs the next
 * request. Fails when a target is missed. The argument: starts measured for that cost (20). Linux
 * only; docs/memory.md says how to read it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryOf } from '../../bench/figures/memory.ts';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf } from '../support/mesh.ts';
import { deploymentResource, podResource } from '../support/mesh-resources.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { headOf, okAnswer, readRequest, readResponse } from '../support/raw-http.ts';
import { dial, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const starts = argument('starts', 20);
const LOAD_MS = 3_000;
const CLIENTS = 64;
/** Sidecars at once: one start disturbs another's, and nothing else is measured meanwhile. */
const BATCH = 4;
const SETTLED_MS = 2_000;
/** Until the first trim is over, from then on: its last part is what drops pages. */
const TRIMMED_MS = 6_000;
/** 60 s without traffic, and the two looks after it. */
const IDLE_TRIM_MS = 90_000;

/** Megabytes: RSS after a trim, and RssAnon at idle as it is after one. */
const TARGETS = {
  'stand-alone': { rss: 45, anonymous: 30 },
  controlled: { rss: 45, anonymous: 30 },
} as const;
type Form = keyof typeof TARGETS;
const FORMS = Object.keys(TARGETS) as readonly Form[];

const answer = async (link: PeerLink): Promise<void> => {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
};

let pods = 0;

/** A sidecar of either form in front of the application. */
async function start(form: Form, mesh: Mesh, port: number, trim: string): Promise<Sidecar> {
  const flags = ['--page-trim', trim];
  if (form === 'stand-alone') return Sidecar.inbound(port, ...flags);
  const pod = `web-${++pods}`;
  await mesh.write('deployment-web', [deploymentResource('web')]);
  await mesh.write(`pod-${pod}`, [podResource('web', pod)]);
  return Sidecar.inbound(port, ...mesh.flags(pod), ...flags);
}

const trimsOf = async (sidecar: Sidecar): Promise<number> =>
  (await samplesOf(sidecar)).find(({ name }) => name === 'proxy_memory_trims_total')?.value ?? 0;

/** Asks seldom: the question itself brings pages back. */
const awaitTrims = (sidecar: Sidecar, count: number): Promise<boolean> =>
  eventually(
    `trim ${count}`,
    async () => {
      await pause(1_000);
      return (await trimsOf(sidecar)) >= count;
    },
    IDLE_TRIM_MS,
  );

const megabytes = (kilobytes: number): number => Math.round(kilobytes / 102.4) / 10;

interface Looks {
  readonly rss: number;
  readonly anonymous: number;
  readonly pss: number;
}

function look({ ready: { pid } }: Sidecar): Looks {
  const { pssKb, rssAnonKb, rssKb } = memoryOf([pid]);
  return { rss: megabytes(rssKb), anonymous: megabytes(rssAnonKb), pss: megabytes(pssKb) };
}

function row(form: Form, trim: string, phase: string, looks: Looks): void {
  const { anonymous, pss, rss } = looks;
  say(
    `${form.padEnd(12)} trim ${trim.padEnd(4)} ${phase.padEnd(12)} RSS ${rss}  RssAnon ${anonymous}  PSS ${pss} MB`,
  );
}

/** One sidecar through its phases; problems are what misses a target. */
async function phases(form: Form, trim: string, mesh: Mesh, port: number): Promise<string[]> {
  await using sidecar = await start(form, mesh, port, trim);
  await pause(SETTLED_MS);
  row(form, trim, 'idle', look(sidecar));
  const problems: string[] = [];
  // Without a trim the same time passes.
  if (trim === 'off') await pause(SETTLED_MS);
  else {
    await pause(TRIMMED_MS);
    const looks = look(sidecar);
    row(form, trim, 'after trim', looks);
    for (const name of ['rss', 'anonymous'] as const) {
      const target = TARGETS[form][name];
      if (looks[name] > target) problems.push(`${form}: ${name} ${looks[name]} > ${target} MB`);
    }
    if ((await trimsOf(sidecar)) === 0) problems.push(`${form}: no trim happened`);
  }
  await using load = new Load(sidecar.inbound, { clients: CLIENTS, pauseMs: 0 });
  await pause(LOAD_MS);
  row(form, trim, 'loaded', look(sidecar));
  const { failures, succeeded } = await load.stop();
  problems.push(...failures);
  if (trim === 'on') {
    await awaitTrims(sidecar, 2);
    row(form, trim, 'idle again', look(sidecar));
  }
  say(`${form.padEnd(12)} trim ${trim.padEnd(4)} answered ${succeeded}`);
  return problems;
}

/** Field 10 of /proc/PID/stat: pages that came without reading a disk. */
function minorFaults({ ready: { pid } }: Sidecar): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[7]);
}

/** Microseconds from dialling to the answer. */
async function request(sidecar: Sidecar): Promise<number> {
  const begunMs = performance.now();
  using link = await dial(sidecar.inbound, { record: false });
  await link.send(headOf('GET / HTTP/1.1', 'Host: web'));
  await readResponse(link, 'GET');
  return (performance.now() - begunMs) * 1000;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The first and second request of fresh sidecars, some seconds after their start. */
async function costs(trim: string, mesh: Mesh, port: number): Promise<void> {
  const first: number[] = [];
  const second: number[] = [];
  const faults: number[] = [];
  while (first.length < starts) {
    const batch: Sidecar[] = [];
    try {
      for (let i = 0; i < BATCH; i++) batch.push(await start('stand-alone', mesh, port, trim));
      await pause(SETTLED_MS * 3);
      for (const sidecar of batch) {
        const before = minorFaults(sidecar);
        first.push(await request(sidecar));
        faults.push(minorFaults(sidecar) - before);
        second.push(await request(sidecar));
      }
    } finally {
      await Promise.all(batch.map((sidecar) => sidecar.stop()));
    }
  }
  const us = (values: readonly number[]): string =>
    `${median(values).toFixed(0)} us (${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
  say(`trim ${trim.padEnd(4)} first request ${us(first)}, second ${us(second)}`);
  say(`trim ${trim.padEnd(4)} minor faults of the first ${median(faults)}, n = ${first.length}`);
}

await using mesh = await Mesh.start();
await using application = await PeerServer.listen(answer, { record: false });
say(`node ${process.versions.node}, bundled, compile cache warm after the first start`);
for (const form of FORMS) {
  await using _sidecar = await start(form, mesh, application.port, 'off');
  // The cache is written when it is ready.
  await pause(SETTLED_MS);
}
const problems: string[] = [];
for (const trim of ['off', 'on']) {
  for (const form of FORMS) problems.push(...(await phases(form, trim, mesh, application.port)));
}
for (const trim of ['off', 'on']) await costs(trim, mesh, application.port);
conclude('memory of a sidecar', {}, problems);
