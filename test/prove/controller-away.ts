/**
 * Kills the controller under load for 30 s (or the first argument, seconds): no request fails,
 * what changed meanwhile is applied, every request is counted once.
 */
import { controllerAway } from '../support/controller-away.ts';

const [given = '30'] = process.argv.slice(2);
const seconds = Number(given);
if (seconds > 0) {
  const report = await controllerAway(seconds * 1_000, (line) => process.stdout.write(`${line}\n`));
  const rows = Object.entries(report).map(([name, value]) => `  ${name.padEnd(20)}${value}`);
  process.stdout.write(`controller away for ${seconds} s: holds\n${rows.join('\n')}\n`);
} else {
  process.stderr.write(`controller-away: "${given}" is not a number of seconds, as 30\n`);
  process.exitCode = 64;
}
