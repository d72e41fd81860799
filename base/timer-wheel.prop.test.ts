import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timer, TimerWheel } from './timer-wheel.ts';

const TICK_MS = 7;
const TIMERS = 6;

type Step =
  | { readonly kind: 'set'; readonly timer: number; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly timer: number }
  | { readonly kind: 'wait'; readonly ms: number };

const timer = fc.nat(TIMERS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), timer, delayMs: fc.nat(9_000) }),
  fc.record({ kind: fc.constant('cancel' as const), timer }),
  // From a part of a tick to more than a turn of the wheel, 512 ticks.
  fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(30), fc.nat(9_000)) }),
);

test('TimerWheel fires as a sorted list of deadlines does', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.array(step, { maxLength: 60 }), (startMs, steps) => {
      let nowMs = startMs;
      const wheel = new TimerWheel(TICK_MS, () => nowMs);
      let fired: number[] = [];
      const timers = Array.from({ length: TIMERS }, (_, i) => new Timer(() => fired.push(i)));
      /** The model: the first moment at which each armed timer may fire. */
      const due = new Map<number, number>();
      let lastTick = Math.floor(nowMs / TICK_MS);
      try {
        for (const one of steps) {
          if (one.kind === 'wait') {
            nowMs += one.ms;
            lastTick = Math.floor(nowMs / TICK_MS);
            fired = [];
            wheel.advance();
            const expected = [...due].filter(([, dueMs]) => dueMs <= nowMs).map(([i]) => i);
            assert.deepEqual(new Set(fired), new Set(expected));
            assert.equal(fired.length, expected.length);
            for (const i of expected) due.delete(i);
          } else if (one.kind === 'cancel') {
            wheel.cancel(timers[one.timer]!);
            due.delete(one.timer);
          } else {
            wheel.set(timers[one.timer]!, one.delayMs);
            const tick = Math.max(lastTick + 1, Math.ceil((nowMs + one.delayMs) / TICK_MS));
            due.set(one.timer, tick * TICK_MS);
          }
          for (const [i, { armed }] of timers.entries()) assert.equal(armed, due.has(i));
        }
      } finally {
        wheel.stop();
      }
    }),
  );
});
