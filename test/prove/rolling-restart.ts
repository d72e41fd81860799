/**
 * Rolling restarts of every Deployment of the demo under 200 requests a second, 5 times over (or the
 * first argument): no request fails at its caller. Then once more for each with the controller
 * stopped as soon as a new pod is ready, for 4 s: of a service whose other endpoints callers know,
 * no request fails.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DevMesh } from '../support/dev-mesh.ts';
import { eventually } from '../support/deadline.ts';
import { Load, type LoadTotals } from '../support/load.ts';
import { argument, conclude, say } from '../support/proof.ts';

const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));
const WEB = { k: 1, port: 80 };
/** Called by others; the one that is called from outside is last. */
const DEPLOYMENTS = ['rates', 'labels', 'parcels', 'ledger', 'bot', 'web'] as const;
/** Clients that send, wait for the answer, and then 95 ms: 200 requests a second and more. */
const CLIENTS = 48;
const PAUSE_MS = 95;
/** What is proved is proved at this rate. */
const RATE_MIN = 200;
/** Each is answered by what one or several gRPC services say. */
const REQUESTS = [
  'GET /parcels/1000',
  'POST /parcels',
  'GET /rates/domestic',
  'POST /labels/1000',
  'GET /journeys/1000',
  'POST /baskets',
  'POST /sheets',
  'GET /',
] as const;
const CONTROLLER_AWAY_MS = 4_000;
/** One whose every endpoint that is known may be gone while nobody tells of the others. */
const SINGLE = new Set<string>(['rates', 'labels', 'bot', 'web']);

const rounds = argument('rounds', 5);
const problems: string[] = [];
const rows: Record<string, number | string> = {};

const newLoad = (dev: DevMesh): Load =>
  new Load(dev.wayOut(WEB.k, WEB.port), {
    clients: CLIENTS,
    pauseMs: PAUSE_MS,
    host: 'web',
    requestLine: (n) => REQUESTS[n % REQUESTS.length] ?? REQUESTS[0],
    isGood: (status) => status === 200 || status === 201,
  });

/** Runs `meanwhile` under load, from its first answers to some after it. */
async function underLoad(
  dev: DevMesh,
  meanwhile: (load: Load) => Promise<void>,
): Promise<LoadTotals & { readonly ms: number }> {
  const sinceMs = performance.now();
  const load = newLoad(dev);
  try {
    await eventually('the first answers', () => load.succeeded >= CLIENTS, 20_000);
    await meanwhile(load);
    const before = load.succeeded;
    await eventually('answers after it', () => load.succeeded >= before + CLIENTS, 20_000);
  } finally {
    await load.stop();
  }
  return { ...load.totals, ms: performance.now() - sinceMs };
}

async function restart(dev: DevMesh, name: string): Promise<void> {
  const { code, stderr } = await dev.restart(name);
  if (code !== 0) problems.push(`dev restart deploy/${name}: ${stderr.trim()}`);
}

async function everyDeployment(dev: DevMesh): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const totals = await underLoad(dev, async () => {
      for (const name of DEPLOYMENTS) await restart(dev, name);
    });
    const perSecond = (totals.sent / (totals.ms / 1_000)).toFixed(0);
    if (Number(perSecond) < RATE_MIN) {
      problems.push(`round ${round} had ${perSecond} requests a second only`);
    }
    rows[`round ${round}`] =
      `${totals.sent} requests, ${perSecond} a second, ${totals.failed} failed`;
    say(`round ${round}: ${rows[`round ${round}`]}`);
    if (totals.failed > 0) problems.push(`round ${round}: ${totals.failures.join('; ')}`);
  }
}

/** Stops the controller when the first new pod is ready, and lets it go on later. */
async function withoutController(dev: DevMesh, name: string): Promise<void> {
  const { pid } = dev.ready.controller;
  const totals = await underLoad(dev, async () => {
    const before = dev.said.length;
    const restarted = restart(dev, name);
    const isReady = (): boolean => new RegExp(`${name}-\\d+ is ready`).test(dev.said.slice(before));
    await eventually(`a new pod of ${name}`, isReady, 30_000);
    process.kill(pid, 'SIGSTOP');
    await pause(CONTROLLER_AWAY_MS);
    process.kill(pid, 'SIGCONT');
    await restarted;
  });
  const row = `without the controller, ${name}`;
  rows[row] = `${totals.sent} requests, ${totals.failed} failed`;
  say(`${row}: ${rows[row]}`);
  if (totals.failed > 0 && !SINGLE.has(name)) {
    problems.push(`${row}: ${totals.failures.join('; ')}`);
  }
}

await using dev = await DevMesh.start(DEMO, 'demo');
await everyDeployment(dev);
for (const name of ['parcels', 'rates'] as const) await withoutController(dev, name);
await dev.end();
conclude(`rolling-restart, ${rounds} rounds`, rows, problems);
