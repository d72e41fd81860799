/**
 * Runs the whole test suite N times (10, or the first argument) to find tests that fail sometimes.
 * Further arguments are those of `npm test`. Ends at the first failure, with the number of the run.
 */
import path from 'node:path';
import { runCommand } from '../run-command.ts';

const runner = path.resolve(import.meta.dirname, '../main.ts');
const launcher = path.resolve(import.meta.dirname, '../../base/launch.mjs');

const [first, ...args] = process.argv.slice(2);
const runs = Number(first ?? 10);
if (!Number.isSafeInteger(runs) || runs < 1) {
  process.stderr.write(`repeat: "${first}" is not a number of runs, as 10\n`);
  process.exitCode = 64;
}
for (let run = 1; run <= runs; run++) {
  process.stdout.write(`run ${run} of ${runs}\n`);
  const code = await runCommand(process.execPath, [launcher, runner, ...args]);
  if (code !== 0) {
    process.stderr.write(`run ${run} of ${runs} failed\n`);
    process.exitCode = code;
    break;
  }
}
