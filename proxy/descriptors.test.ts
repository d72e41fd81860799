import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fitDescriptors,
  PROCESS_DESCRIPTORS,
  SHARING_DESCRIPTORS,
  THREAD_DESCRIPTORS,
} from './descriptors.ts';
import { limits } from './limits.ts';

const ONE = { threads: 1, listeners: 1 };
const total = (needs: Readonly<Record<string, number>>): number =>
  Object.values(needs).reduce((sum, need) => sum + need, 0);

test('fitDescriptors leaves limits alone where there are descriptors enough', () => {
  const set = { upstreamLinksMax: 5_000, headTimeoutMs: 100 };
  const fitted = fitDescriptors(set, { ...ONE, limit: 1_000_000 });
  assert.deepEqual(fitted, {
    ...set,
    downstreamLinksMax: limits.downstreamLinksMax,
    boundingDescriptors: 0,
  });
});

test('fitDescriptors bounds links by the descriptors, with a way on for each in one thread', () => {
  const fitted = fitDescriptors({}, { ...ONE, limit: 256 });
  assert.equal(fitted.boundingDescriptors, 256);
  assert.ok(fitted.downstreamLinksMax! <= fitted.upstreamLinksMax!);
  assert.ok(fitted.downstreamLinksMax! > 60, String(fitted.downstreamLinksMax));
});

test('fitDescriptors refuses a limit that leaves no room to serve, with the number needed', () => {
  assert.throws(() => fitDescriptors({}, { ...ONE, limit: 64 }), /is 64: .* needs \d+ \(ulimit -n/);
});

test('fitDescriptors never promises more descriptors than there are', () => {
  const use = fc.record({
    limit: fc.integer({ min: 20_000, max: 100_000 }),
    threads: fc.integer({ min: 1, max: 64 }),
    listeners: fc.integer({ min: 1, max: 100 }),
  });
  fc.assert(
    fc.property(use, ({ limit, listeners, threads }) => {
      const unlimited = { downstreamLinksMax: 1e6, upstreamLinksMax: 1e6 };
      const fitted = fitDescriptors(unlimited, { limit, listeners, threads });
      const { downstreamLinksMax = 0, upstreamLinksMax = 0 } = fitted;
      const sharing = threads > 1 ? total(SHARING_DESCRIPTORS) : 0;
      const perThread = total(THREAD_DESCRIPTORS) + sharing + listeners + upstreamLinksMax;
      const used = total(PROCESS_DESCRIPTORS) + listeners + threads * perThread;
      assert.ok(used + downstreamLinksMax <= limit);
      assert.ok(threads * upstreamLinksMax > downstreamLinksMax - threads);
    }),
  );
});
