/** The order of blocks: each arm once a round, in another order each round. */
import type { Rng } from '../../base/rng.ts';

/**
 * `rounds` rounds of all `arms`, each shuffled (Fisher and Yates): an arm's neighbours and its place
 * in the round are chance, so neither favours it.
 */
export function interleave<Arm>(arms: readonly Arm[], rounds: number, rng: Rng): Arm[][] {
  return Array.from({ length: rounds }, () => shuffled(arms, rng));
}

function shuffled<Item>(items: readonly Item[], rng: Rng): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = rng.integer(last + 1);
    const moved = order.splice(other, 1);
    order.splice(last, 0, ...moved);
  }
  return order;
}
