/**
 * Changes of several tables as one: all of them or none. Each table changes in one transaction of the
 * kernel; when a later one fails, or somebody interrupts, those before it are put back.
 */
import { changeText, leftovers } from './change.ts';
import { InitFailure } from './failure.ts';
import { FAMILY_NAMES } from './nat-table.ts';
import type { NatTable } from './nat-table.ts';
import { ownPart, sameOwnPart } from './saved-nat.ts';
import type { OwnPart, SavedNat } from './saved-nat.ts';

/** One table, as it was read and as our part of it shall be. */
export interface Step {
  readonly table: NatTable;
  readonly before: SavedNat;
  readonly after: OwnPart;
}

/** A step with something to do. */
interface Change extends Step {
  readonly text: string;
}

/**
 * Makes every step. Resolves to how many tables changed, or to why none did. `signal` is heard between
 * transactions: what was done is then undone.
 */
export async function makeSteps(
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<number | InitFailure> {
  const changes = steps.flatMap((step): Change[] => {
    const text = changeText(ownPart(step.before), step.after);
    return text === undefined ? [] : [{ ...step, text }];
  });
  for (const { table, text } of changes) {
    const refused = await table.check(text);
    if (refused !== undefined) return refused;
  }
  const begun: Change[] = [];
  for (const change of changes) {
    if (signal.aborted) return takeBack(begun, new InitFailure('Interrupted.'));
    // Before it is known how it ends: a program that was killed may have done its work.
    begun.push(change);
    const failed = (await change.table.commit(change.text)) ?? (await verify(change));
    if (failed !== undefined) return takeBack(begun, failed);
  }
  if (signal.aborted) return takeBack(begun, new InitFailure('Interrupted.'));
  return changes.length;
}

/** Reads the table again: what is in force counts, not what a program's exit code says. */
async function verify({ table, after }: Step): Promise<InitFailure | undefined> {
  const now = await table.read();
  if (now instanceof InitFailure) return now;
  if (sameOwnPart(ownPart(now), after)) return undefined;
  return new InitFailure(
    `The rules of ${FAMILY_NAMES[table.family]} are not what was asked for after the ${table.backend} back end took them: somebody else changes them, or it is too old.`,
  );
}

/** Puts every table back to how it was read, the last first; the failure with what came of that. */
async function takeBack(begun: readonly Change[], failure: InitFailure): Promise<InitFailure> {
  const stuck: string[] = [];
  for (const { table, before } of begun.toReversed()) {
    const problem = await putBack(table, before);
    if (problem !== undefined) stuck.push(`${FAMILY_NAMES[table.family]} (${problem.sentence})`);
  }
  if (stuck.length === 0) return failure;
  return new InitFailure(
    `${failure.sentence} What was done could not be undone for ${stuck.join(' and ')}: connections of this pod may be redirected to ports where nobody listens. Run it again, or with --remove.`,
    true,
  );
}

async function putBack(table: NatTable, before: SavedNat): Promise<InitFailure | undefined> {
  const now = await table.read();
  if (now instanceof InitFailure) return now;
  const text = changeText(ownPart(now), ownPart(before));
  if (text !== undefined) {
    const failed = await table.commit(text);
    if (failed !== undefined) return failed;
  }
  await sweep(table, ownPart(now));
  return undefined;
}

/**
 * Takes away what the nft back end had made for `own`, which is gone: empty chains, an empty table.
 * Resolves to a sentence when something stays; it does nothing to any packet.
 */
export async function sweep(table: NatTable, own: OwnPart): Promise<string | undefined> {
  const saved = await table.read();
  if (saved instanceof InitFailure) return undefined;
  const { chains, table: whole } = leftovers(own, saved);
  if (chains.length === 0 && !whole) return undefined;
  const problem =
    (await table.commit(`*nat\n${chains.map((chain) => `-X ${chain}\n`).join('')}COMMIT\n`)) ??
    (whole ? await table.dropTable() : undefined);
  if (problem === undefined) return undefined;
  return `Table nat of ${FAMILY_NAMES[table.family]}, which was not there before, stays without rules. ${problem.sentence}`;
}
