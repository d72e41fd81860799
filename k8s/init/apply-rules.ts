/** Puts the interception of a network namespace in force, in both families, or changes nothing. */
import { wantedPart } from './change.ts';
import { makeTrackingLiberal } from './connection-tracking.ts';
import { InitFailure } from './failure.ts';
import { interceptionRules } from './interception-rules.ts';
import type { InterceptionOptions } from './interception-rules.ts';
import { ipv6Need } from './ipv6-need.ts';
import type { Ipv6Mode } from './ipv6-need.ts';
import { BACKENDS, FAMILY_NAMES, NatTable } from './nat-table.ts';
import type { Backend } from './nat-table.ts';
import type { Runner } from './runner.ts';
import { isNothing, jumpsBehindOthers, ownPart } from './saved-nat.ts';
import type { OwnPart } from './saved-nat.ts';
import type { Family } from './subnet.ts';
import { makeSteps } from './transition.ts';
import type { Step } from './transition.ts';

/** What is asked for. */
export interface ApplyRequest {
  readonly options: InterceptionOptions;
  /** `auto`: where our rules are already, else the first that takes them, nft before legacy. */
  readonly backend: Backend | 'auto';
  readonly ipv6: Ipv6Mode;
}

/** One family whose rules are in force. */
export interface FamilyInForce {
  readonly family: Family;
  readonly backend: Backend;
  /** In our chains and into them. */
  readonly rules: number;
}

/** What came of it. */
export interface Applied {
  /** False when all was in force already. */
  readonly changed: boolean;
  readonly families: readonly FamilyInForce[];
  /** One sentence each. */
  readonly warnings: readonly string[];
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/**
 * Applies the rules; a second time it changes nothing. `run` decides in which namespace. A failure
 * leaves the tables as they were, or says which it could not put back (`halfway`). Behind the rules it
 * makes the kernel liberal with what it redirects by them, if it may.
 */
export async function applyRules(
  request: ApplyRequest,
  run: Runner,
  signal: AbortSignal,
): Promise<Applied | InitFailure> {
  const applied = await applyTables(request, run, signal);
  if (applied instanceof InitFailure) return applied;
  const strict = await makeTrackingLiberal(run);
  return strict === undefined ? applied : { ...applied, warnings: [...applied.warnings, strict] };
}

async function applyTables(
  request: ApplyRequest,
  run: Runner,
  signal: AbortSignal,
): Promise<Applied | InitFailure> {
  const held = await backendsInUse(run);
  const backends = candidates(request.backend, held);
  if (backends instanceof InitFailure) return backends;
  const need = await ipv6Need(request.ipv6, run);
  const refusals: InitFailure[] = [];
  for (const backend of backends) {
    const families = need === 'off' ? FAMILIES.slice(0, 1) : FAMILIES;
    const applied = await applyWith(backend, families, request.options, run, signal);
    if (!(applied instanceof InitFailure)) return applied;
    if (applied.halfway || signal.aborted) return applied;
    if (need === 'try') {
      const without = await applyWith(backend, ['ipv4'], request.options, run, signal);
      if (!(without instanceof InitFailure)) {
        return { ...without, warnings: [...without.warnings, withoutIpv6(applied)] };
      }
      if (without.halfway || signal.aborted) return without;
    }
    refusals.push(applied);
  }
  return new InitFailure(refusals.map(({ sentence }) => sentence).join(' '));
}

const withoutIpv6 = ({ sentence }: InitFailure): string =>
  `IPv6 is not intercepted; this namespace has no IPv6 address that others could reach, and: ${sentence}`;

/** Back ends in whose tables something of ours is. One that cannot be asked has nothing. */
export async function backendsInUse(run: Runner): Promise<readonly Backend[]> {
  const inUse: Backend[] = [];
  for (const backend of BACKENDS) {
    for (const family of FAMILIES) {
      const saved = await new NatTable(run, backend, family).read();
      if (saved instanceof InitFailure || isNothing(ownPart(saved))) continue;
      if (!inUse.includes(backend)) inUse.push(backend);
    }
  }
  return inUse;
}

/** Rules in two back ends would redirect twice, and each run would see half of them. */
function candidates(
  asked: Backend | 'auto',
  held: readonly Backend[],
): readonly Backend[] | InitFailure {
  const other = held.find((backend) => backend !== asked);
  if (held.length > 1 || (asked !== 'auto' && other !== undefined)) {
    return new InitFailure(
      `Rules of culvert are there already by the ${held.join(' and the ')} back end: take them away first, with --remove.`,
    );
  }
  if (asked !== 'auto') return [asked];
  return held.length > 0 ? held : BACKENDS;
}

async function applyWith(
  backend: Backend,
  families: readonly Family[],
  options: InterceptionOptions,
  run: Runner,
  signal: AbortSignal,
): Promise<Applied | InitFailure> {
  const steps: Step[] = [];
  const warnings: string[] = [];
  for (const family of families) {
    const table = new NatTable(run, backend, family);
    const before = await table.read();
    if (before instanceof InitFailure) return before;
    const after = wantedPart(interceptionRules(options, family), before, backend);
    steps.push({ table, before, after });
  }
  const changed = await makeSteps(steps, signal);
  if (changed instanceof InitFailure) return changed;
  for (const { table } of steps) {
    const saved = await table.read();
    if (!(saved instanceof InitFailure))
      warnings.push(...othersFirst(table.family, ownPart(saved)));
  }
  return {
    changed: changed > 0,
    families: steps.map(({ table, after }) => ({
      family: table.family,
      backend,
      rules: after.rules.length + after.jumps.length,
    })),
    warnings,
  };
}

const othersFirst = (family: Family, own: OwnPart): readonly string[] =>
  jumpsBehindOthers(own).map(
    ({ chain, position }) =>
      `${FAMILY_NAMES[family]}: rules of others stand before ours in ${chain} (${(position ?? 1) - 1}); what they decide is not intercepted.`,
  );
