/**
 * Sends 1,000 random pairs of messages through sidecars, alone and chained, with 10 seeds (or the
 * first argument). Each seed is a run of test/integration/bytes.test.ts; a failure names its seed.
 */
import { argument, conclude, say } from '../support/proof.ts';
import { seedOfRun } from '../support/random.ts';
import { runCommand } from '../run-command.ts';

const TEST = 'test/integration/bytes.test.ts';

const seeds = argument('seeds', 10);
const first = seedOfRun();
const rows: Record<string, string> = {};
const problems: string[] = [];
for (let seed = first; seed < first + seeds; seed++) {
  process.env['CULVERT_TEST_SEED'] = String(seed);
  const sinceMs = performance.now();
  const args = ['--test', '--test-timeout=120000', '--test-reporter=dot', TEST];
  const code = await runCommand(process.execPath, args);
  const took = `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;
  rows[`seed ${seed}`] = `${code === 0 ? 'arrived' : 'FAILED'} in ${took}`;
  say(`seed ${seed}: ${rows[`seed ${seed}`]}`);
  if (code !== 0) problems.push(`CULVERT_TEST_SEED=${seed} npm test -- ${TEST}`);
}
conclude(`bytes, ${seeds} x 1,000 pairs`, rows, problems);
