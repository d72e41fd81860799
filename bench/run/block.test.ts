import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan, LoadResult } from '../load/plan.ts';
import { runBlock, runBlocks, whyVoid } from './block.ts';

const PLAN = { seed: 1, arrival: { kind: 'closed' } } as LoadPlan;
const OPEN = { ...PLAN, arrival: { kind: 'poisson', perSecond: 5_000 } } as LoadPlan;
const CORE = 0;
const CPU = [{ pid: 1, userUs: 0, sysUs: 0, totalUs: 450 }];
const VALID = {
  late: undefined,
  steal: 0,
  busy: [0.5],
  cpu: CPU,
  wallUs: 1_000,
} as unknown as LoadResult;
const STOLEN = { ...VALID, steal: 0.02 };
const LATE = { ...VALID, late: 'p99 lateness' };
const ROBBED = { ...VALID, busy: [0.6] };

/** Answers with `results` in turn, and keeps the seeds it was given. */
function loader(...results: readonly LoadResult[]) {
  const seeds: number[] = [];
  const left = [...results];
  const run = async ({ seed }: LoadPlan): Promise<LoadResult> => {
    seeds.push(seed);
    return left.shift() ?? VALID;
  };
  return { run, seeds };
}

test('whyVoid names steal over 1 % and a late generator', () => {
  assert.equal(whyVoid([{ ...VALID, steal: 0.01 }], CORE), undefined);
  assert.equal(whyVoid([{ ...VALID, steal: 0.0101 }], CORE), 'steal');
  assert.equal(whyVoid([VALID, LATE], CORE), 'late generator');
});

test('whyVoid names other programs on the core of the proxies, less what all of these took', () => {
  assert.equal(whyVoid([ROBBED], CORE), 'other programs');
  assert.equal(whyVoid([VALID], CORE), undefined);
  const both = { ...VALID, busy: [1] };
  assert.equal(whyVoid([both, both], CORE), undefined);
});

test('runBlock repeats a void block with another seed, and tells why', async () => {
  const one = loader(STOLEN, LATE, VALID);
  const block = await runBlock(one, PLAN, CORE);
  assert.deepEqual(block, { result: VALID, voided: ['steal', 'late generator'] });
  assert.equal(new Set(one.seeds).size, 3);
});

test('runBlock gives a block up after four tries', async () => {
  const one = loader(LATE, LATE, LATE, LATE, VALID);
  const block = await runBlock(one, PLAN, CORE);
  assert.equal(block.result, undefined);
  assert.equal(block.voided.length, 4);
});

test('runBlock takes next to no steal where latency counts', async () => {
  const bit = { ...VALID, steal: 0.008 };
  assert.deepEqual((await runBlock(loader(bit), PLAN, CORE)).voided, []);
  assert.deepEqual((await runBlock(loader(bit), OPEN, CORE)).voided, ['steal']);
});

test('runBlocks repeats all when one is void: they shared their time', async () => {
  const [one, other] = [loader(VALID, VALID), loader(STOLEN, VALID)];
  const blocks = await runBlocks([one, other], [PLAN, PLAN], CORE);
  assert.deepEqual(
    blocks.map(({ result }) => result),
    [VALID, VALID],
  );
  assert.deepEqual([one.seeds.length, other.seeds.length], [2, 2]);
});
