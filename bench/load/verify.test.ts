/**
 * The generator shows what a server of known delays does. Other tests run beside this one, so what
 * may be added to a delay is bounded loosely here and a spoiled run is repeated; `npm run prove --
 * generator` is strict.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownDelays, unexplained } from '../../test/support/known-delays.ts';
import { loadPlan } from '../../test/support/load-plan.ts';
import { Generator } from './generator.ts';
import { DelayServer } from './server.ts';

const TRIES = 6;
const SLACK_MS = 15;
const skip = process.platform === 'linux' ? false : 'the generator needs Linux';

test('the generator shows the known delays of a server', { skip }, async (t) => {
  const cases = knownDelays({ durationMs: 1_500, stallEveryMs: 1_000, perSecond: 200 });
  await using generator = await Generator.start(undefined);
  await using server = await DelayServer.start(
    undefined,
    cases.map(({ delay }) => delay),
  );
  for (const [i, known] of cases.entries()) {
    await t.test(known.name, async () => {
      let problems: string[] = [];
      for (let seed = 0; seed < TRIES; seed++) {
        const result = await generator.run(
          loadPlan(server.addresses[i]!, { ...known.load, seed, watch: [server.pid] }),
        );
        assert.ok((result.cpu[0]?.totalUs ?? 0) > 0);
        problems = unexplained(result, known, SLACK_MS);
        if (problems.length === 0) return;
      }
      assert.deepEqual(problems, []);
    });
  }
});
