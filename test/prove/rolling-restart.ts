/**
 * Rolling restarts of every Deployment of the demo under 200 requests a second, 5 times over (or the
 * first argument): no request fails at its caller; nor does a visit of the bot to the ledger (TCP) or
 * a WebSocket that it watches, but while the bot itself is restarted, which is who counts them. Then
 * once more for each but web, with the controller stopped as soon as a new pod is ready, for 4 s: no
 * request fails but those that need the one service whose only known endpoint is gone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DevMesh, type DevPod } from '../support/dev-mesh.ts';
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
/**
 * Restarted while the controller is away, with the requests that may fail: those that call a service
 * whose every known endpoint may be gone while nobody tells of the others. Of web that is all of them.
 */
const MAY_FAIL: Readonly<Record<string, readonly string[]>> = {
  parcels: [],
  rates: ['GET /rates/domestic', 'POST /parcels', 'POST /baskets'],
  labels: ['POST /labels/1000', 'POST /sheets'],
  ledger: [],
  bot: [],
};
/** The bot visits once a second: all that began before a restart ended is told after as many. */
const VISITS_AFTER = 3;

const rounds = argument('rounds', 5);
const problems: string[] = [];
const rows: Record<string, number | string> = {};
/** Another one after each restart of its own. */
let bot: DevPod | undefined;
let bookedInAll = 0;
let watchedInAll = 0;

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

/** The new pods; none when it failed. */
async function restart(dev: DevMesh, name: string): Promise<readonly DevPod[]> {
  const { code, stderr, stdout } = await dev.restart(name, '-o', 'json');
  if (code === 0) return (JSON.parse(stdout) as { pods: readonly DevPod[] }).pods;
  problems.push(`dev restart deploy/${name}: ${stderr.trim()}`);
  return [];
}

/** What the bot counts of the ledger and of WebSockets. */
interface BotCounts {
  readonly booked: number;
  readonly unbooked: number;
  readonly lastFailure: string;
  readonly watched: number;
  readonly cut: number;
}

async function botCounts(pod: DevPod | undefined): Promise<BotCounts> {
  const response = await fetch(`http://${pod?.ports[0]?.address}/totals`);
  const { ledger, wishes } = (await response.json()) as {
    ledger: { booked: number; failed: number; lastFailure: string };
    wishes: { watch?: { succeeded: number; failed: number } };
  };
  return {
    booked: ledger.booked,
    unbooked: ledger.failed,
    lastFailure: ledger.lastFailure,
    watched: wishes.watch?.succeeded ?? 0,
    cut: wishes.watch?.failed ?? 0,
  };
}

/** Judges by the bot's word what a restart of another Deployment cost. */
async function restartBeside(dev: DevMesh, name: string): Promise<void> {
  const before = await botCounts(bot);
  await restart(dev, name);
  const { booked, unbooked } = await botCounts(bot);
  const visits = booked + unbooked + VISITS_AFTER;
  const after = await eventually('visits to the ledger', async () => {
    const counts = await botCounts(bot);
    return counts.booked + counts.unbooked >= visits && counts;
  });
  bookedInAll += after.booked - before.booked;
  watchedInAll += after.watched - before.watched;
  const unbookedNow = after.unbooked - before.unbooked;
  if (unbookedNow > 0) {
    problems.push(`restart of ${name}: ${unbookedNow} visits failed, last: ${after.lastFailure}`);
  }
  const cut = after.cut - before.cut;
  if (cut > 0) problems.push(`restart of ${name}: ${cut} WebSockets failed`);
}

async function everyDeployment(dev: DevMesh): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const totals = await underLoad(dev, async () => {
      for (const name of DEPLOYMENTS) {
        if (name === 'bot') bot = (await restart(dev, name))[0] ?? bot;
        else await restartBeside(dev, name);
      }
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
  rows['visits to the ledger'] = bookedInAll;
  rows['WebSockets'] = watchedInAll;
  if (bookedInAll === 0 || watchedInAll === 0) problems.push('nobody visited, or nobody watched');
}

/** Stops the controller when the first new pod is ready, and lets it go on later. */
async function withoutController(
  dev: DevMesh,
  name: string,
  mayFail: readonly string[],
): Promise<void> {
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
  const unexpected = [...totals.failedByLine].filter(([line]) => !mayFail.includes(line));
  for (const [line, count] of unexpected) {
    problems.push(`${row}: ${count} of "${line}" failed; first: ${totals.failures.join('; ')}`);
  }
}

await using dev = await DevMesh.start(DEMO, 'demo');
[bot] = dev.pods('bot');
await everyDeployment(dev);
for (const [name, mayFail] of Object.entries(MAY_FAIL)) await withoutController(dev, name, mayFail);
await dev.end();
conclude(`rolling-restart, ${rounds} rounds`, rows, problems);
