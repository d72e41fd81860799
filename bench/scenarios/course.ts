/** The course that many scenarios take: warm, saturate, fixed rates, probe. */
import type { SocketAddress } from '../../base/settings.ts';
import type { Backends } from '../peers/backend.ts';
import type { Arm, Topology } from '../peers/peer.ts';
import type { Load, Stage } from '../run/stage.ts';

/** Requests a second of the open loops. */
export interface Rates {
  readonly rates: readonly number[];
  /** Of these, what `--quick` measures. */
  readonly quickRates: readonly number[];
}

/** What one course is of. */
export interface Course extends Rates {
  /** A closed loop; at the rates it is open. */
  readonly load: Load;
}

/** Measures `course` on every peer that can carry `topology`; `more` in a full run only. */
export async function runCourse(
  stage: Stage,
  topology: Topology,
  { load, quickRates, rates }: Course,
  more?: (stage: Stage, carriers: readonly Arm[]) => Promise<void>,
): Promise<void> {
  const { quick } = stage.parts;
  await stage.withArms(topology, async (arms) => {
    const carriers = arms.filter(({ pids }) => pids.length > 0);
    await stage.warm(arms, load);
    await stage.measure('saturation', carriers, load);
    for (const perSecond of quick ? quickRates : rates) {
      const arrival = { kind: 'poisson', perSecond } as const;
      await stage.measure(`${perSecond} rps`, arms, { ...load, arrival });
    }
    if (!quick && more !== undefined) await more(stage, carriers);
    await stage.probe('saturation', carriers, load);
  });
}

/** Gives `use` the addresses of backends that are its own, and stops them. */
export async function withBackends(
  starting: Promise<Backends>,
  use: (addresses: readonly SocketAddress[]) => Promise<void>,
): Promise<void> {
  const backends = await starting;
  try {
    await use(backends.addresses);
  } finally {
    await backends.stop();
  }
}
