/** Which scenarios and peers a run takes. */
import type { ArmName } from './model.ts';
import { PEERS } from './peers/all-peers.ts';
import { culvert } from './peers/culvert.ts';
import { DIRECT } from './peers/direct.ts';
import type { Peer } from './peers/peer.ts';
import { SCENARIOS } from './scenarios/all-scenarios.ts';
import { type Scenario, isWanted } from './scenarios/scenario.ts';
import type { BenchSettings } from './settings.ts';

/** The peer that budgets compare with; all that `--quick` takes unless peers are named. */
const REFERENCE: ArmName = 'haproxy';

/** What a run measures. */
export interface Selection {
  readonly scenarios: readonly Scenario[];
  /** Without a proxy, ours, then the others. */
  readonly peers: readonly Peer[];
}

/** The selection, or what is wrong with the wish, one line a mistake. */
export function select(settings: BenchSettings): Selection | readonly string[] {
  const { against, gate, quick, scenario: wanted } = settings;
  const short = quick || gate;
  const names = (against ?? (short ? REFERENCE : allNames())).split(',').filter(Boolean);
  const problems = [
    ...names
      .filter((name) => !PEERS.some((peer) => peer.name === name))
      .map((name) => `--against ${name}: not one of ${allNames()}`),
    ...wanted
      .filter((one) => !SCENARIOS.some(({ name }) => isWanted(name, one)))
      .map((one) => `--scenario ${one}: not one of those that --list names`),
  ];
  if (problems.length > 0) return problems;
  const chosen = ({ always, gated, name, quick: isQuick }: Scenario): boolean => {
    if (wanted.length > 0) return wanted.some((one) => isWanted(name, one));
    return !short || isQuick || always === true || (gate && gated === true);
  };
  return {
    scenarios: SCENARIOS.filter(chosen),
    peers: [DIRECT, culvert(), ...PEERS.filter(({ name }) => names.includes(name))],
  };
}

const allNames = (): string => PEERS.map(({ name }) => name).join(',');
