/** What happened in a simulation, numbered: the end of it is told when a check fails. */

const KEPT = 50;

/** How much of it is told. */
export interface TraceOptions {
  /** Called with every line; undefined: only the last ones are kept. */
  readonly tell?: ((line: string) => void) | undefined;
  /** The simulation ends at this event, to be looked at. */
  readonly until?: number | undefined;
}

/** The simulation has come to the event it was to end at. */
export class UntilReached extends Error {
  override readonly name = 'UntilReached';
}

/** The last events, and how many there were. */
export class Trace {
  count = 0;
  readonly #options: TraceOptions;
  readonly #nowMs: () => number;
  readonly #last: string[] = [];

  constructor(nowMs: () => number, options: TraceOptions) {
    this.#nowMs = nowMs;
    this.#options = options;
  }

  add(what: string): void {
    this.count++;
    const line = `${this.count} ${timeText(this.#nowMs())} ${what}`;
    if (this.#last.length < KEPT) this.#last.push(line);
    else this.#last[this.count % KEPT] = line;
    this.#options.tell?.(line);
    if (this.count === this.#options.until) throw new UntilReached(`event ${this.count}`);
  }

  /** The last events, oldest first. */
  get tail(): string {
    return this.#last.toSorted((a, b) => numberOf(a) - numberOf(b)).join('\n');
  }
}

const numberOf = (line: string): number => Number.parseInt(line, 10);

const part = (value: number, digits: number): string =>
  `${Math.floor(value)}`.padStart(digits, '0');

/** "07:30:01.250" */
function timeText(ms: number): string {
  const clock = `${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1_000) % 60, 2)}`;
  return `${clock}.${part(ms % 1_000, 3)}`;
}
