/** A timeout that every message puts off. */
import { Timer, TimerWheel } from '../../../base/timer-wheel.ts';
import type { MicroCase } from '../micro-case.ts';

export const timerWheel: readonly MicroCase[] = [
  {
    name: 'timer-wheel put off twice',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      const timer = new Timer(() => undefined);
      wheel.set(timer, 1_000);
      return {
        run: () => {
          wheel.set(timer, 3_000);
          wheel.set(timer, 300_000);
          return timer.due;
        },
        expected: 3_000,
      };
    },
  },
];
