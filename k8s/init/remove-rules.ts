/** Takes the interception of a network namespace away: ours alone, in both families and back ends. */
import { InitFailure } from './failure.ts';
import { BACKENDS, NatTable } from './nat-table.ts';
import type { Backend } from './nat-table.ts';
import type { Runner } from './runner.ts';
import { NOTHING, isNothing, ownPart } from './saved-nat.ts';
import type { Family } from './subnet.ts';
import { makeSteps, sweep } from './transition.ts';
import type { Step } from './transition.ts';

/** What was taken away. */
export interface Removed {
  readonly families: readonly { readonly family: Family; readonly backend: Backend }[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Removes our rules wherever they are; where there are none it changes nothing. What the nft back end
 * had made for them (chains of the kernel, the table) goes too, when nobody else uses it. A failure
 * leaves the rules as they were, or says which it could not put back (`halfway`).
 */
export async function removeRules(
  backend: Backend | 'auto',
  run: Runner,
  signal: AbortSignal,
): Promise<Removed | InitFailure> {
  const steps: Step[] = [];
  const unread: InitFailure[] = [];
  let asked = 0;
  for (const each of backend === 'auto' ? BACKENDS : [backend]) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const table = new NatTable(run, each, family);
      asked++;
      const before = await table.read();
      if (before instanceof InitFailure) unread.push(before);
      else if (!isNothing(ownPart(before))) steps.push({ table, before, after: NOTHING });
    }
  }
  // Nobody could look anywhere: "nothing to remove" would be a guess.
  const [first] = unread;
  if (first !== undefined && unread.length === asked) return first;
  const made = await makeSteps(steps, signal);
  if (made instanceof InitFailure) return made;
  const warnings: string[] = [];
  for (const { table, before } of steps) {
    const stays = await sweep(table, ownPart(before));
    if (stays !== undefined) warnings.push(stays);
  }
  return {
    families: steps.map(({ table }) => ({ family: table.family, backend: table.backend })),
    warnings,
  };
}
