/** What the measuring loop itself costs: part of every other figure. */
import type { MicroCase } from '../micro-case.ts';

export const loop: readonly MicroCase[] = [
  { name: 'loop', setup: () => ({ run: () => 1, expected: 1 }) },
];
