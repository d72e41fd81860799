/** meshctl: runs what the command line asks for, and turns failures into sentences and exit codes. */
import { CommanderError } from 'commander';
import { EXIT_USAGE } from '../base/settings.ts';
import { commandLine } from './command-line.ts';
import { EXIT_FAILED, Failure } from './failure.ts';
import type { Output, Terminal } from './output.ts';

const { stdout } = process;

const terminal: Terminal = {
  get columns() {
    return stdout.columns;
  },
  get rows() {
    return stdout.rows;
  },
  onResize: (resized) => {
    stdout.on('resize', resized);
    return () => stdout.off('resize', resized);
  },
};

const output: Output = {
  out: (text) => stdout.write(text),
  err: (text) => process.stderr.write(text),
  terminal: stdout.isTTY ? terminal : undefined,
};

stdout.on('error', (error) => {
  // A reader that has seen enough, as `head` has, is no failure.
  if ('code' in error && error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await commandLine({ output, wallClockMs: Date.now }).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed its sentence, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (error instanceof Failure) {
    process.stderr.write(`meshctl: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = EXIT_FAILED;
  }
}
