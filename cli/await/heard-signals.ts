import { constants } from 'node:os';

/** Whoever sends us one of these means us while we wait, and the program once it runs. */
const HEARD = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * The signals we get, from `new` to `close`. Without a gap: one that came where nobody listens would
 * end us and leave the program behind.
 */
export class HeardSignals {
  #taker: (signal: NodeJS.Signals) => void;
  readonly #hear = (signal: NodeJS.Signals): void => this.#taker(signal);

  constructor(taker: (signal: NodeJS.Signals) => void) {
    this.#taker = taker;
    for (const signal of HEARD) process.on(signal, this.#hear);
  }

  /** From here on they are another's. */
  passTo(taker: (signal: NodeJS.Signals) => void): void {
    this.#taker = taker;
  }

  close(): void {
    for (const signal of HEARD) process.off(signal, this.#hear);
  }
}

/** Exit code of what was ended by `signal`, as shells say it. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
