import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from '../../base/rng.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { Arm } from '../peers/peer.ts';
import { KEEP_ALIVE } from '../scenarios/http1.ts';
import { Ledger } from './ledger.ts';
import { AUTHORITY, type PhaseTaker, Stage, type StageParts } from './stage.ts';

const ARM: Arm = {
  name: 'culvert',
  address: { host: '127.0.0.1', port: 4143 },
  pids: [1, 2],
  readyMs: 1,
  admins: [],
  stop: () => Promise.resolve(),
};

const partsWith = (take: PhaseTaker): StageParts => ({
  generator: { run: () => assert.fail('nothing is measured') },
  ledger: new Ledger(1),
  peers: [],
  backends: [],
  pace: { rounds: 3, blockMs: 700, warmupMs: 100 },
  quick: false,
  gate: false,
  rng: new Rng(1),
  proxyCore: 0,
  loadCore: 1,
  say: () => undefined,
  take,
});

test('Stage gives each phase away that is taken, and measures and probes nothing', async () => {
  const taken: (readonly [phase: string, plan: LoadPlan])[] = [];
  const parts = partsWith((phase, arms, planOf) => {
    for (const arm of arms) taken.push([phase, planOf(arm)]);
    return Promise.resolve();
  });
  const stage = new Stage('http1', parts);
  const arrival = { kind: 'poisson', perSecond: 9 } as const;
  await stage.measure('saturation', [ARM], KEEP_ALIVE);
  await stage.measure('9 rps', [ARM], { ...KEEP_ALIVE, arrival });
  await stage.probe('saturation', [ARM], KEEP_ALIVE);
  assert.deepEqual(
    taken.map(([phase]) => phase),
    ['saturation', '9 rps'],
  );
  const [, { authority, durationMs, to, watch }] = taken[1]!;
  assert.deepEqual([authority, durationMs, to, watch], [AUTHORITY, 700, ARM.address, ARM.pids]);
  assert.deepEqual(taken[1]![1].arrival, arrival);
  assert.deepEqual(parts.ledger.content().figures, []);
});

test('Stage passes on what ends a phase that is taken', async () => {
  const stage = new Stage(
    'http1',
    partsWith(() => Promise.reject(new Error('that is all'))),
  );
  await assert.rejects(stage.measure('saturation', [ARM], KEEP_ALIVE), /that is all/);
});
