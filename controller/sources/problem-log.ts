/** Says each problem once when it comes, and once when it has gone. */
import type { Log } from '../../base/log.ts';

/** The log of all that is wrong with the resources. */
export class ProblemLog {
  readonly #log: Log;
  #said: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `problems`: a sentence for each that there is now. */
  update(problems: readonly string[]): void {
    const sentences = new Set(problems);
    for (const sentence of sentences) {
      if (!this.#said.has(sentence)) this.#log.warn(sentence);
    }
    for (const sentence of this.#said) {
      if (!sentences.has(sentence)) this.#log.info(`no longer a problem: ${sentence}`);
    }
    this.#said = sentences;
  }
}
