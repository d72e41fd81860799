/**
 * `npm test`: every `*.test.ts` on the pinned runtime, in one run of Node's own test runner, so
 * that its summary at the end covers them all. `npm test -- controller api/histogram.test.ts`
 * runs what lies under a folder, or one file; arguments that begin with a dash go to the runner.
 * Without a folder all but test/foreign, programs of others, and test/namespaces, one mesh a machine:
 * CI runs those beside (docs/hacking.md).
 */
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { runCommand } from './run-command.ts';

/** Some files wait more than they work: one more at once than cores. More would only wait for cores. */
const FILES_AT_ONCE_MAX = 4;
/** Of each test that does not say how long it may take. */
const TEST_TIMEOUT_MS = 60_000;

const ELSEWHERE = new Set(['node_modules', '.git', '.bundle', 'test/foreign', 'test/namespaces']);

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const args = process.argv.slice(2);
const files = args
  .filter((arg) => !arg.startsWith('-'))
  .map((arg) => (isDirectory(arg) ? `${arg.replace(/\/+$/, '')}/**/*.test.ts` : arg));
const filesAtOnce = Math.min(FILES_AT_ONCE_MAX, availableParallelism() + 1);

process.exitCode = await runCommand(process.execPath, [
  '--test',
  `--test-timeout=${TEST_TIMEOUT_MS}`,
  `--test-concurrency=${filesAtOnce}`,
  ...args.filter((arg) => arg.startsWith('-')),
  ...(files.length > 0
    ? files
    : globSync('**/*.test.ts', { exclude: (name) => ELSEWHERE.has(name) })),
]);
