/**
 * Asks the data threads what they hold, for people.
 *
 *   ask ─> every thread ─> each answers, or is too late ─> all that came
 */
import type { FromThread, ToThread } from '../model/thread.ts';
import type { ThreadState } from '../model/thread-state.ts';

/** A thread that takes longer hangs or starts: the answer does without it. */
const ANSWER_DEADLINE_MS = 250;

interface Question {
  readonly states: (ThreadState | undefined)[];
  waiting: number;
  readonly answer: () => void;
}

/** The questions that are open. */
export class ThreadStates {
  readonly #threads: number;
  readonly #tell: (message: ToThread) => void;
  readonly #open = new Map<number, Question>();
  #asked = 0;

  /** `tell`: to every one of so many threads. */
  constructor(threads: number, tell: (message: ToThread) => void) {
    this.#threads = threads;
    this.#tell = tell;
  }

  /** By thread; undefined for one that does not answer in time. */
  async ask(): Promise<readonly (ThreadState | undefined)[]> {
    const question = ++this.#asked;
    const { promise, resolve } = Promise.withResolvers<void>();
    const states = Array.from<ThreadState | undefined>({ length: this.#threads });
    this.#open.set(question, { states, waiting: this.#threads, answer: resolve });
    const deadline = setTimeout(resolve, ANSWER_DEADLINE_MS);
    this.#tell({ type: 'describe', question });
    await promise;
    clearTimeout(deadline);
    this.#open.delete(question);
    return states;
  }

  heard(thread: number, { question, state }: Extract<FromThread, { type: 'described' }>): void {
    const open = this.#open.get(question);
    if (open === undefined || open.states[thread] !== undefined) return;
    open.states[thread] = state;
    if (--open.waiting === 0) open.answer();
  }
}
