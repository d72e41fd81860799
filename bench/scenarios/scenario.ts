/** What a scenario is to the runner: a name, a sentence, and what it does on the stage. */
import type { Stage } from '../run/stage.ts';

/** One workload, measured on every arm that can carry it. */
export interface Scenario {
  /** As "http1-keepalive/inbound": `--scenario http1-keepalive` selects every side of it. */
  readonly name: string;
  /** What it shows, one sentence. */
  readonly about: string;
  /** Part of `--quick`. */
  readonly quick: boolean;
  /** Part of `--gate` beside what is quick: budgets bound it. */
  readonly gated?: boolean;
  /** Part of every run that does not name its scenarios. */
  readonly always?: boolean;
  /** About how long it takes, for people who wait. */
  readonly seconds: number;
  /** The same under `--quick`, where it is shorter. */
  readonly quickSeconds?: number;
  /** Measures on the stage; what it finds goes into the stage's ledger. */
  readonly run: (stage: Stage) => Promise<void>;
}

/** Whether `--scenario wanted` means the scenario `name`. */
export const isWanted = (name: string, wanted: string): boolean =>
  name === wanted || name.startsWith(`${wanted}/`);
