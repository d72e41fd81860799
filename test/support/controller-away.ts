/**
 * The controller is killed under load, endpoints change while it is away, and it comes back:
 *
 *   first load | second load ……………………………………… | third load
 *   all told   |   kill    change of endpoints    back  | counts go on from where they were
 *
 * The test makes it away for seconds, the proof for half a minute.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from './deadline.ts';
import { Load, type LoadTotals } from './load.ts';
import { Mesh, samplesOf, serviceKey, type Replica, type StatTotals } from './mesh.ts';
import { sumOf } from './prometheus-text.ts';
import type { Sidecar } from './sidecar.ts';

const CALLER = 'bot-1';
const PODS = [CALLER, 'web-1', 'web-2', 'web-3'];

/** What was seen, for people to read. */
export interface ControllerAwayReport {
  readonly requestsWhileAway: number;
  readonly requestsInAll: number;
  /** From the controller's ready line to the last sidecar's acknowledgement of all it holds. */
  readonly reconnectedMs: number;
}

interface Actors {
  readonly mesh: Mesh;
  readonly replicas: readonly Replica[];
  readonly caller: Sidecar;
}

/** Runs it all, `awayMs` without a controller; rejects where something does not hold. */
export async function controllerAway(
  awayMs: number,
  say: (line: string) => void,
): Promise<ControllerAwayReport> {
  await using mesh = await Mesh.start();
  const replicas = await Promise.all(['web-1', 'web-2', 'web-3'].map((pod) => mesh.replica(pod)));
  const caller = await mesh.caller(CALLER, ['web']);
  await mesh.publish('web', replicas.slice(0, 2));
  await mesh.knows('web');
  const actors = { mesh, replicas, caller };

  const first = await countedLoad(actors, NOTHING_TOLD, 200);
  say(`${first.sent} requests, all told to the controller`);

  await using second = new Load(caller.wayOut);
  await eventually('the load to run', () => second.succeeded > 50);
  const sentBefore = second.sent;
  await mesh.killController();
  await mesh.publish('web', [replicas[0]!, replicas[2]!]);
  await pause(awayMs);
  assertNoFailure(second, 'while the controller was away');
  assert.equal(second.bodies.get('web-3'), undefined, 'nobody can know of web-3 yet');
  const requestsWhileAway = second.sent - sentBefore;
  say(`${requestsWhileAway} requests in ${awayMs} ms without a controller`);

  await mesh.startController();
  const sinceMs = performance.now();
  // Each sidecar holds its inbound resource, the caller also the service.
  await Promise.all(PODS.map((pod) => mesh.acked(pod, pod === CALLER ? 2 : 1, 45_000)));
  const reconnectedMs = Math.round(performance.now() - sinceMs);
  say(`all acknowledged ${reconnectedMs} ms after it was back`);
  await endpointsChanged(second);
  const whole = await second.stop();
  assertNoFailure(second, 'when the controller came back');

  const base = await quietTotals(mesh);
  // What was answered before the controller began is no news to it, what came after it is.
  assert.ok(base.outbound.success <= whole.succeeded, JSON.stringify(base));
  const third = await countedLoad(actors, base, 200);
  const requestsInAll = first.sent + whole.sent + third.sent;
  await assertSidecarsCounted(actors, requestsInAll);
  say(`${requestsInAll} requests in all, each counted once`);
  return { requestsWhileAway, requestsInAll, reconnectedMs };
}

interface Told {
  readonly inbound: StatTotals;
  readonly outbound: StatTotals;
}

const NOTHING_TOLD: Told = {
  inbound: { success: 0, failure: 0 },
  outbound: { success: 0, failure: 0 },
};

const told = async (mesh: Mesh): Promise<Told> => ({
  inbound: await mesh.inboundTotals('web'),
  outbound: await mesh.outboundTotals('web'),
});

/** A load of `requests` or some more; waits until the controller tells just those above `base`. */
async function countedLoad(
  { mesh, caller }: Actors,
  base: Told,
  requests: number,
): Promise<LoadTotals> {
  await using load = new Load(caller.wayOut);
  await eventually('the load to run', () => load.succeeded >= requests, 20_000);
  const totals = await load.stop();
  assertNoFailure(load, 'with the controller there');
  const plus = ({ success, failure }: StatTotals): StatTotals => ({
    success: success + totals.sent,
    failure,
  });
  const expected = { inbound: plus(base.inbound), outbound: plus(base.outbound) };
  let last: Told | undefined;
  await eventually(
    () => `stat to tell ${JSON.stringify(expected)}, last ${JSON.stringify(last)}`,
    async () => {
      last = await told(mesh);
      return JSON.stringify(last) === JSON.stringify(expected);
    },
    10_000,
  );
  // Twice the same: a count that came double would show with the next report.
  assert.deepEqual(await quietTotals(mesh), expected);
  return totals;
}

/** What the controller tells once every sidecar has reported and nothing changes any more. */
async function quietTotals(mesh: Mesh): Promise<Told> {
  await eventually(
    'every sidecar to report',
    async () => (await mesh.problems('telemetry.flowing')).length === 0,
    20_000,
  );
  const reportsPassMs = 2_500;
  let last = '';
  let sinceMs = 0;
  return eventually(
    'the totals to stay the same',
    async () => {
      const now = await told(mesh);
      const text = JSON.stringify(now);
      if (text !== last) sinceMs = performance.now();
      last = text;
      return performance.now() - sinceMs > reportsPassMs ? now : undefined;
    },
    20_000,
  );
}

/** The change of endpoints that was made meanwhile: web-3 answers, web-2 does no more. */
async function endpointsChanged(load: Load): Promise<void> {
  await eventually('web-3 to answer', () => (load.bodies.get('web-3') ?? 0) > 20, 10_000);
  const before = load.bodies.get('web-2') ?? 0;
  const succeeded = load.succeeded;
  await eventually('more answers', () => load.succeeded > succeeded + 100, 10_000);
  assert.equal(load.bodies.get('web-2') ?? 0, before, 'web-2 is no endpoint any more');
}

function assertNoFailure(load: Load, when: string): void {
  assert.equal(load.failed, 0, `${when}: ${load.failures.join('; ')}`);
}

const counted = async (sidecar: Sidecar, direction: string): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'request_total', { direction });

async function assertSidecarsCounted(
  { caller, replicas }: Actors,
  requests: number,
): Promise<void> {
  assert.equal(await counted(caller, 'outbound'), requests, serviceKey('web'));
  const inbound = await Promise.all(replicas.map(({ sidecar }) => counted(sidecar, 'inbound')));
  assert.equal(
    inbound.reduce((sum, one) => sum + one, 0),
    requests,
  );
}
