import { EXIT_USAGE } from '../base/settings.ts';

/** The command could not do what it was asked. */
export const EXIT_FAILED = 1;
/** `check` did its work and found problems. */
export const EXIT_PROBLEMS_FOUND = 2;

/**
 * An expected failure of a command. Its message is what the user reads on stderr: one sentence
 * that says what failed, and what to do about it.
 */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_FAILED) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

/** A failure of the command line itself: exit code 64 (EX_USAGE). */
export const usageFailure = (message: string): Failure => new Failure(message, EXIT_USAGE);

/** The text of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
