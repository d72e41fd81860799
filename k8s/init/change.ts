/**
 * Changes of table nat as input of `iptables-restore --noflush`: the kernel takes the whole text or
 * nothing of it, so no packet ever meets half of our rules.
 */
import { OWN_CHAINS } from './interception-rules.ts';
import type { InterceptionRules } from './interception-rules.ts';
import type { Backend } from './nat-table.ts';
import { readLine, ruleLine } from './rule.ts';
import { NOTHING, ownPart, sameJumps, sameOwnPart } from './saved-nat.ts';
import type { OwnJump, OwnPart, SavedNat } from './saved-nat.ts';

/**
 * What the kernel did not have before our rules and the nft back end made for them. It is written in
 * the comments of the jumps, because removal, a program of another day, must take it away too.
 */
export type Made = 'nothing' | 'chain' | 'table';

const MADE = /, which made the (chain|table)$/;

/** Our part as it shall be, given what is there: where our jumps stand already, they stay. */
export function wantedPart(
  { rules, jumps }: InterceptionRules,
  saved: SavedNat,
  backend: Backend,
): OwnPart {
  const own = ownPart(saved);
  return {
    chains: OWN_CHAINS,
    rules: rules.map(ruleLine),
    jumps: jumps.map((jump) => {
      const standing = own.jumps.find(({ chain }) => chain === jump.chain);
      const made = standing === undefined ? madeBy(jump.chain, saved, backend) : madeOf(standing);
      const note = made === 'nothing' ? '' : `, which made the ${made}`;
      const line = ruleLine({ ...jump, comment: `${jump.comment}${note}` });
      return { chain: jump.chain, position: standing?.position, line };
    }),
  };
}

/** Legacy tables come with all their chains, and stay for as long as the namespace does. */
function madeBy(chain: string, saved: SavedNat, backend: Backend): Made {
  if (backend === 'legacy' || saved.chains.has(chain)) return 'nothing';
  return saved.exists ? 'chain' : 'table';
}

/** What a jump's comment says was made for it. */
export function madeOf({ line }: OwnJump): Made {
  const [, made] = MADE.exec(readLine(line)?.comment ?? '') ?? [];
  return made === 'chain' || made === 'table' ? made : 'nothing';
}

/** The text that makes our part `to` where it is `from`; undefined when there is nothing to do. */
export function changeText(from: OwnPart, to: OwnPart): string | undefined {
  if (sameOwnPart(from, to)) return undefined;
  const gone = from.chains.filter((chain) => !to.chains.includes(chain));
  const jumpsStay = sameJumps(from, to);
  const lines = [
    // Declaring a chain makes it, or empties the one that is there.
    ...to.chains.map((chain) => `:${chain} - [0:0]`),
    ...to.rules,
    ...(jumpsStay ? [] : from.jumps.map(({ line }) => line.replace(/^-A /, '-D '))),
    // With all of ours out of their chains, positions are those of the text we read or make.
    ...(jumpsStay ? [] : to.jumps.map(insertLine)),
    ...gone.map((chain) => `-F ${chain}`),
    ...gone.map((chain) => `-X ${chain}`),
  ];
  return `*nat\n${lines.join('\n')}\nCOMMIT\n`;
}

const insertLine = ({ chain, position, line }: OwnJump): string =>
  position === undefined ? line : line.replace(/^-A \S+/, `-I ${chain} ${position}`);

/** The text for a namespace whose table nat is untouched: what `--simulate` prints. */
export const freshText = (rules: InterceptionRules): string =>
  changeText(NOTHING, {
    chains: OWN_CHAINS,
    rules: rules.rules.map(ruleLine),
    jumps: rules.jumps.map((jump) => ({
      chain: jump.chain,
      position: undefined,
      line: ruleLine(jump),
    })),
  }) ?? '';

/** What may be taken away behind our rules, once they are gone. */
export interface Leftovers {
  /** Empty chains of the kernel that were made for us. */
  readonly chains: readonly string[];
  /** The table was made for us, and nothing is in it but chains of the kernel without rules. */
  readonly table: boolean;
}

/** What was made for `own` and nobody uses in `after`, the table without our rules. */
export function leftovers(own: OwnPart, after: SavedNat): Leftovers {
  const made = own.jumps.filter((jump) => madeOf(jump) !== 'nothing').map(({ chain }) => chain);
  const used = new Set(after.rules.map((line) => readLine(line)?.chain ?? ''));
  const chains = [...new Set(made)].filter(
    (chain) => after.chains.get(chain) === 'ACCEPT' && !used.has(chain),
  );
  const table = own.jumps.some((jump) => madeOf(jump) === 'table');
  // Of a table that is there iptables-save 1.8.9 lists all chains of the kernel, also those that are not.
  const empty =
    used.size === 0 && [...after.chains.values()].every((policy) => policy === 'ACCEPT');
  return { chains, table: table && empty };
}
