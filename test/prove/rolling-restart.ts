/**
 * Rolling restarts of every Deployment of the demo under 200 requests a second, 5 times over (or the
 * first argument): no request fails at its caller; nor does a visit of the bot to the ledger (TCP) or
 * a WebSocket that it watches, but while the bot itself is restarted, which is who counts them. Then
 * once more for each but web, with the controller stopped as soon as a new pod is ready, for 4 s: no
 * request fails but those that need the one service whose only known endpoint is gone. With
 * `--network netns` (root) all of it in network namespaces, called by name from a pod that knows of no
 * proxy, and beside it the pods of web by a headless Service: who dials a pod means that pod.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DevMesh, type DevPod } from '../support/dev-mesh.ts';
import { eventually } from '../support/deadline.ts';
import { Load, type LoadTotals } from '../support/load.ts';
import { LoadInPod } from '../support/load-in-pod.ts';
import { optionsOf, type LoadRequests } from '../support/load-requests.ts';
import { NETNS, withoutNamespaces } from '../support/namespaces.ts';
import { argument, conclude, say } from '../support/proof.ts';

const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));
/** A headless Service of web. */
const WEB_PODS = fileURLToPath(new URL('../support/web-pods.yaml', import.meta.url));
const CALLER = 'caller-1';
const WEB = { k: 1, port: 80 };
/** Called by others; the one that is called from outside is last. */
const DEPLOYMENTS = ['rates', 'labels', 'parcels', 'ledger', 'bot', 'web'] as const;
/** What is proved is proved at this rate. */
const RATE_MIN = 200;
/** Clients that send, wait for the answer, and then 95 ms: 200 requests a second and more. */
const REQUESTS: LoadRequests = {
  clients: 48,
  pauseMs: 95,
  host: 'web',
  // Each is answered by what one or several gRPC services say.
  requests: [
    'GET /parcels/1000',
    'POST /parcels',
    'GET /rates/domestic',
    'POST /labels/1000',
    'GET /journeys/1000',
    'POST /baskets',
    'POST /sheets',
    'GET /',
  ],
  statuses: [200, 201],
};
/** To pods of web themselves, beside the others; by clients that know how kept connections end. */
const TO_PODS: LoadRequests = {
  ...REQUESTS,
  clients: 8,
  host: 'web-pods',
  requests: ['GET /'],
  repeats: true,
};
const WEB_PODS_ADDRESS = 'web-pods:7080';
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

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { network: { type: 'string', default: 'loopback' } },
});
const rounds = argument('rounds', 5, positionals[0]);
const isIntercepted = values.network === 'netns';
const problems: string[] = [];
const rows: Record<string, number | string> = {};
/** Another one after each restart of its own. */
let bot: DevPod | undefined;
let bookedInAll = 0;
let watchedInAll = 0;

/** What both kinds of load have. */
type AnyLoad = Pick<Load, 'succeeded' | 'stop'>;

/** Through web's Service: at its own listener, or by name from within the caller's pod. */
const loadOfWeb = (dev: DevMesh): AnyLoad =>
  isIntercepted
    ? new LoadInPod(CALLER, `${REQUESTS.host}:${WEB.port}`, REQUESTS)
    : new Load(dev.wayOut(WEB.k, WEB.port), optionsOf(REQUESTS));

/** To the pods of web, on kept connections and on one for each request. */
const loadsOfPods = (): readonly (readonly [name: string, load: AnyLoad])[] =>
  isIntercepted
    ? [false, true].map((connectionEach) => {
        const load = new LoadInPod(CALLER, WEB_PODS_ADDRESS, { ...TO_PODS, connectionEach });
        return [connectionEach ? 'pods, a connection each' : 'pods, kept connections', load];
      })
    : [];

/** Runs `meanwhile` under load, from its first answers to some after it. */
async function underLoad(
  load: AnyLoad,
  meanwhile: () => Promise<void>,
): Promise<LoadTotals & { readonly ms: number }> {
  const sinceMs = performance.now();
  const { clients } = REQUESTS;
  try {
    await eventually('the first answers', () => load.succeeded >= clients, 20_000);
    await meanwhile();
    const before = load.succeeded;
    await eventually('answers after it', () => load.succeeded >= before + clients, 20_000);
  } finally {
    await load.stop();
  }
  return { ...(await load.stop()), ms: performance.now() - sinceMs };
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

function judgePods(what: string, { failed, failures, sent, succeeded }: LoadTotals): void {
  rows[what] = `${sent} requests, ${failed} failed`;
  say(`${what}: ${rows[what]}`);
  if (failed > 0) problems.push(`${what}: ${failed} failed: ${failures.join('; ')}`);
  if (succeeded === 0) problems.push(`${what}: nothing was answered`);
}

async function everyDeployment(dev: DevMesh): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const beside = loadsOfPods();
    const totals = await underLoad(loadOfWeb(dev), async () => {
      for (const name of DEPLOYMENTS) {
        if (name === 'bot') bot = (await restart(dev, name))[0] ?? bot;
        else await restartBeside(dev, name);
      }
    });
    for (const [name, load] of beside) judgePods(`round ${round}, ${name}`, await load.stop());
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
  const totals = await underLoad(loadOfWeb(dev), async () => {
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

const missing = isIntercepted && withoutNamespaces();
if (missing !== false) {
  process.stderr.write(`${missing}\n`);
  process.exit(1);
}
const flags = isIntercepted ? [...NETNS, '-f', WEB_PODS] : [];
await using dev = await DevMesh.start(DEMO, 'demo', flags);
[bot] = dev.pods('bot');
await everyDeployment(dev);
for (const [name, mayFail] of Object.entries(MAY_FAIL)) await withoutController(dev, name, mayFail);
await dev.end();
conclude(`rolling-restart, ${rounds} rounds, ${values.network}`, rows, problems);
