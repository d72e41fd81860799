/**
 * `npm run ok`: npm scripts one after the other, with the time each took. The first that fails
 * ends the run. The last one has the last word on the terminal, so the times come before it.
 */
import { runCommand } from './run-command.ts';

const seconds = (fromMs: number): string =>
  `${((performance.now() - fromMs) / 1_000).toFixed(1)} s`;

const stages = process.argv.slice(2);
const times: string[] = [];
for (const [i, stage] of stages.entries()) {
  if (i === stages.length - 1 && i > 0) process.stdout.write(`stages: ${times.join(', ')}\n`);
  process.stdout.write(`== ${stage}\n`);
  const startMs = performance.now();
  const code = await runCommand('npm', ['run', '--silent', stage]);
  times.push(`${stage} ${seconds(startMs)}`);
  if (code !== 0) {
    if (i < stages.length - 1)
      process.stderr.write(`stages: ${times.join(', ')}; ${stage} failed\n`);
    process.exitCode = code;
    break;
  }
}
