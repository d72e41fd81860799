/** Whether the interception of a network namespace is in force as asked; changes nothing. */
import { wantedPart } from './change.ts';
import type { ApplyRequest, FamilyInForce } from './apply-rules.ts';
import { InitFailure } from './failure.ts';
import { interceptionRules } from './interception-rules.ts';
import { ipv6Need } from './ipv6-need.ts';
import { BACKENDS, FAMILY_NAMES, NatTable } from './nat-table.ts';
import type { Runner } from './runner.ts';
import { isNothing, ownPart, sameOwnPart } from './saved-nat.ts';
import type { Family } from './subnet.ts';

/** What was found. */
export interface Checked {
  readonly families: readonly FamilyInForce[];
  /** One sentence each; none when all is in force. */
  readonly problems: readonly string[];
}

/** Compares what is in the tables with what `applyRules` would put there. */
export async function checkRules(request: ApplyRequest, run: Runner): Promise<Checked> {
  const families: FamilyInForce[] = [];
  const problems: string[] = [];
  const need = await ipv6Need(request.ipv6, run);
  const asked: readonly Family[] = need === 'off' ? ['ipv4'] : ['ipv4', 'ipv6'];
  for (const family of asked) {
    const found = await checkFamily(request, family, run);
    if (typeof found !== 'string') families.push(found);
    else if (family === 'ipv4' || need === 'must') problems.push(found);
  }
  return { families, problems };
}

/** The family as it is in force, or a sentence that says why it is not. */
async function checkFamily(
  request: ApplyRequest,
  family: Family,
  run: Runner,
): Promise<FamilyInForce | string> {
  const name = FAMILY_NAMES[family];
  const reasons: string[] = [];
  const found: (FamilyInForce | string)[] = [];
  for (const backend of request.backend === 'auto' ? BACKENDS : [request.backend]) {
    const saved = await new NatTable(run, backend, family).read();
    if (saved instanceof InitFailure) {
      reasons.push(` ${saved.sentence}`);
      continue;
    }
    const own = ownPart(saved);
    if (isNothing(own)) continue;
    const wanted = wantedPart(interceptionRules(request.options, family), saved, backend);
    found.push(
      sameOwnPart(own, wanted)
        ? { family, backend, rules: own.rules.length + own.jumps.length }
        : `${name}: culvert's rules (${backend} back end) are not those of these settings.`,
    );
  }
  if (found.length > 1) {
    return `${name}: culvert's rules are in both back ends, and redirect twice; remove them and apply them again.`;
  }
  return found[0] ?? `${name}: no rules of culvert are in force.${reasons.join('')}`;
}
