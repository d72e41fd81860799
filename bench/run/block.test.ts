import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadPlan, LoadResult } from '../load/plan.ts';
import { runBlock, runBlocks, whyVoid } from './block.ts';

const PLAN = { seed: 1 } as LoadPlan;
const VALID = { late: undefined, steal: 0 } as LoadResult;
const STOLEN = { late: undefined, steal: 0.02 } as LoadResult;
const LATE = { late: 'p99 lateness', steal: 0 } as LoadResult;

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
  assert.equal(whyVoid({ steal: 0.01, late: undefined }), undefined);
  assert.equal(whyVoid({ steal: 0.0101, late: undefined }), 'steal');
  assert.equal(whyVoid(LATE), 'late generator');
});

test('runBlock repeats a void block with another seed, and tells why', async () => {
  const one = loader(STOLEN, LATE, VALID);
  const block = await runBlock(one, PLAN);
  assert.deepEqual(block, { result: VALID, voided: ['steal', 'late generator'] });
  assert.equal(new Set(one.seeds).size, 3);
});

test('runBlock gives a block up after four tries', async () => {
  const one = loader(LATE, LATE, LATE, LATE, VALID);
  const block = await runBlock(one, PLAN);
  assert.equal(block.result, undefined);
  assert.equal(block.voided.length, 4);
});

test('runBlocks repeats all when one is void: they shared their time', async () => {
  const [one, other] = [loader(VALID, VALID), loader(STOLEN, VALID)];
  const blocks = await runBlocks([one, other], [PLAN, PLAN]);
  assert.deepEqual(
    blocks.map(({ result }) => result),
    [VALID, VALID],
  );
  assert.deepEqual([one.seeds.length, other.seeds.length], [2, 2]);
});
