import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Target } from '../model/destination.ts';
import { Subscriptions } from './subscriptions.ts';

const THREADS = 3;
const KEY = 'web:80';
const TARGET: Target = { originalDst: undefined, authority: 'web', port: 80 };

const step = fc.oneof(
  fc.record({ do: fc.constant('update' as const), bad: fc.boolean() }),
  fc.record({
    do: fc.constantFrom('ask', 'drop', 'die', 'answer', 'answer', 'answer'),
    thread: fc.nat(THREADS - 1),
  }),
);

/** Data threads that answer in order, some time after they were told. */
class Process {
  readonly bad = new Set<number>();
  /** Verdicts by version, in the order they were given. */
  readonly verdicts: { counter: number; error: string | undefined }[] = [];
  /** The version in force in each thread that wants it; 0: none yet. */
  readonly inForce: (number | undefined)[] = Array.from({ length: THREADS });
  readonly #mail: number[][] = Array.from({ length: THREADS }, () => []);
  last = 0;
  subscribed = false;
  readonly #subscriptions = new Subscriptions(
    (thread, _key, { counter }) => void this.#mail[thread]!.push(counter),
    (_key, { counter }, error) => void this.verdicts.push({ counter, error }),
  );

  update(bad: boolean): void {
    if (!this.subscribed) return;
    this.last++;
    if (bad) this.bad.add(this.last);
    this.#subscriptions.update(KEY, { epoch: 1, counter: this.last }, NOTHING);
  }

  ask(thread: number): void {
    if (this.inForce[thread] !== undefined) return;
    this.inForce[thread] = 0;
    if (!this.#subscriptions.add(thread, KEY, TARGET)) return;
    this.subscribed = true;
    // A controller tells a subscriber what is.
    this.update(false);
  }

  drop(thread: number): void {
    if (this.inForce[thread] === undefined) return;
    this.#forget(thread);
    if (this.#subscriptions.remove(thread, KEY)) this.subscribed = false;
  }

  die(thread: number): void {
    this.#forget(thread);
    this.#subscriptions.threadDied(thread);
  }

  answer(thread: number): boolean {
    const counter = this.#mail[thread]!.shift();
    if (counter === undefined) return false;
    const error = this.bad.has(counter) ? 'bad' : undefined;
    if (error === undefined) this.inForce[thread] = counter;
    this.#subscriptions.applied(thread, KEY, { epoch: 1, counter }, error);
    return true;
  }

  #forget(thread: number): void {
    this.inForce[thread] = undefined;
    this.#mail[thread] = [];
  }
}

const NOTHING = { kind: 'no-such-service', reason: '' } as const;

test('Subscriptions gives each version one right answer, and every thread the last good one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const process = new Process();
      for (const one of steps) {
        if (one.do === 'update') process.update(one.bad);
        else process[one.do](one.thread);
      }
      for (let thread = 0; thread < THREADS; thread++) while (process.answer(thread));

      const { bad, inForce, last, verdicts } = process;
      const counters = verdicts.map(({ counter }) => counter);
      assert.equal(new Set(counters).size, counters.length, 'one answer a version');
      for (const { counter, error } of verdicts)
        assert.equal(error !== undefined, bad.has(counter));
      const wanting = inForce.filter((counter) => counter !== undefined);
      if (wanting.length === 0) return;
      assert.ok(counters.includes(last), `the last version was judged: ${last}`);
      const acked = counters.filter((counter) => !bad.has(counter));
      const good = bad.has(last) ? Math.max(0, ...acked) : last;
      for (const counter of wanting) assert.ok(counter >= good, `${counter} is older than ${good}`);
    }),
    { numRuns: 500 },
  );
});
