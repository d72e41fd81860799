/** Says each problem of a source once when it comes, and once when it has gone. */
import type { Log } from '../../base/log.ts';
import { formatProblem } from './source.ts';
import type { Problem } from './source.ts';

/** The log of one source. */
export class ProblemLog {
  readonly #log: Log;
  #said: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  update(problems: readonly Problem[]): void {
    const sentences = new Set(problems.map(formatProblem));
    for (const sentence of sentences) {
      if (!this.#said.has(sentence)) this.#log.warn(sentence);
    }
    for (const sentence of this.#said) {
      if (!sentences.has(sentence)) this.#log.info(`no longer a problem: ${sentence}`);
    }
    this.#said = sentences;
  }
}
