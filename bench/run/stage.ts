/**
 * What a scenario works on: it starts arms, measures them in interleaved rounds, and writes what
 * they cost into the ledger.
 *
 *   round 1: B A C    round 2: A C B    …    each letter one block, order drawn a round
 */
import type { Rng } from '../../base/rng.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { MemorySampler, memoryOf } from '../figures/memory.ts';
import type { Generator } from '../load/generator.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { ArmName, MemoryPoint } from '../model.ts';
import { type Arm, type Peer, type Topology, whyNot } from '../peers/peer.ts';
import { interleave } from '../stats/order.ts';
import { ArmSeries, writeMemory } from './arm-series.ts';
import { runBlock, runBlocks } from './block.ts';
import type { Ledger, Place } from './ledger.ts';
import { probe } from './probe.ts';

/** The Host of every request; outbound arms know it. */
export const AUTHORITY = 'web';
const WARM_MS = 2_000;
const SAMPLE_MEMORY_EVERY_MS = 500;
/** They hardly vary: a few show it. A budget's bounds (99.9 %) want more. */
const PROBES = 4;
const PROBES_GATED = 8;
/** Above this queueing at the generator and the servers would be taken for the proxy's. */
const LOAD_CORE_BUSY_MAX = 0.6;
const RATE_STEP = 2_000;
const RATE_MAX = 60_000;

/**
 * What the generator does to an arm: a plan without where, when and how long. HTTP/1.1 unless it says
 * otherwise.
 */
export type Load = Pick<
  LoadPlan,
  'requests' | 'connections' | 'connectionPerRequest' | 'idleConnections' | 'arrival'
> &
  Partial<Pick<LoadPlan, 'protocol' | 'streamsPerConnection'>>;

/** How long and how often. */
export interface Pace {
  /** Blocks of each arm in a phase. */
  readonly rounds: number;
  readonly blockMs: number;
  /** Load before each block that is not counted, for connections and caches. */
  readonly warmupMs: number;
}

/** What sends the load: our own generator, or another that answers with the same. */
export type Loader = Pick<Generator, 'run'>;

/** Takes a phase in the place of measuring it; `planOf` is one block of its load on an arm. */
export type PhaseTaker = (
  phase: string,
  arms: readonly Arm[],
  planOf: (arm: Arm) => LoadPlan,
) => Promise<void>;

/** What one run gives every scenario. */
export interface StageParts {
  readonly generator: Loader;
  readonly ledger: Ledger;
  readonly peers: readonly Peer[];
  /** Cheap servers, each answering at once. */
  readonly backends: readonly SocketAddress[];
  readonly pace: Pace;
  /** `--quick`: fewer phases. */
  readonly quick: boolean;
  /** `--gate`: at a rate only the arms that a budget compares: ours, and the way without a proxy. */
  readonly gate: boolean;
  readonly rng: Rng;
  readonly proxyCore: number;
  readonly loadCore: number;
  /** What runs now, for people who wait. */
  readonly say: (what: string) => void;
  /** Absent: phases are measured. Flame graphs record them. */
  readonly take?: PhaseTaker;
}

/** When memory is looked at: after each block, or each half second, which disturbs latencies. */
export type MemoryLook = 'after' | 'during';

/** One scenario's view of a run. */
export class Stage {
  readonly scenario: string;
  readonly parts: StageParts;
  #phaseStartedMs = performance.now();

  constructor(scenario: string, parts: StageParts) {
    this.scenario = scenario;
    this.parts = parts;
  }

  /** The same stage with another pace. */
  paced(pace: Partial<Pace>): Stage {
    return new Stage(this.scenario, { ...this.parts, pace: { ...this.parts.pace, ...pace } });
  }

  /** The same stage with other arms. */
  withPeers(peers: readonly Peer[]): Stage {
    return new Stage(this.scenario, { ...this.parts, peers });
  }

  /** The same stage with its load from elsewhere. */
  withLoader(generator: Loader): Stage {
    return new Stage(this.scenario, { ...this.parts, generator });
  }

  /** A figure's place in the ledger. */
  place(phase: string, arm: ArmName): Place {
    return { scenario: this.scenario, phase, arm };
  }

  /** The peers that can carry `topology`; of the others it is noted why not. */
  peersFor(topology: Topology): readonly Peer[] {
    return this.parts.peers.filter((peer) => {
      const why = whyNot(peer, topology);
      if (why !== undefined) this.parts.ledger.skip(`${peer.name} in ${this.scenario}`, why);
      return why === undefined;
    });
  }

  /** Starts every peer that can carry `topology`, and stops them when `use` has ended. */
  async withArms(topology: Topology, use: (arms: readonly Arm[]) => Promise<void>): Promise<void> {
    const arms: Arm[] = [];
    try {
      for (const peer of this.peersFor(topology)) {
        const arm = await this.#start(peer, topology);
        if (arm !== undefined) arms.push(arm);
      }
      await use(arms);
    } finally {
      await Promise.all(arms.map((arm) => arm.stop()));
    }
  }

  /** Measures `load` on the arms in interleaved rounds. */
  async measure(
    phase: string,
    arms: readonly Arm[],
    load: Load,
    { memory = 'after' }: { readonly memory?: MemoryLook } = {},
  ): Promise<void> {
    const { gate, ledger, loadCore, pace, rng, say, take } = this.parts;
    if (take !== undefined) return take(phase, arms, (arm) => this.#plan(arm, load));
    const wanted = gate && load.arrival.kind !== 'closed' ? arms.filter(isBudgeted) : arms;
    const series = wanted.map((arm) => new ArmSeries(arm));
    this.#phaseStartedMs = performance.now();
    for (const [i, round] of interleave(series, pace.rounds, rng).entries()) {
      say(`${this.scenario}, ${phase}: round ${i + 1} of ${pace.rounds}`);
      for (const one of round) await this.#block(one, load, memory);
    }
    for (const one of series) {
      one.write(ledger, this.place(phase, one.arm.name), load, loadCore);
    }
    this.#pair(phase, wanted, load);
  }

  /**
   * Measures two programs at the same time, sharing their core: whatever the machine does in a
   * block, it does to both. Each round starts both anew, since a process's luck with its compiler
   * and its addresses lasts as long as the process: the round is the unit that chance varies.
   */
  async measureTogether(
    phase: string,
    pair: readonly [Peer, Peer],
    topology: Topology,
    load: Load,
    second: Loader,
  ): Promise<void> {
    const { generator, ledger, loadCore, pace, proxyCore, say } = this.parts;
    let series: readonly ArmSeries[] = [];
    const [{ name: against }, { name: arm }] = pair;
    const at = { scenario: this.scenario, phase };
    ledger.compare({ ...at, name: 'cpuUsPerRequest', arm, against, kind: 'ratio' });
    for (let round = 0; round < pace.rounds; round++) {
      say(`${this.scenario}, ${phase}: round ${round + 1} of ${pace.rounds}`);
      const arms = await Promise.all(pair.map((peer) => peer.start(topology, String(proxyCore))));
      try {
        if (round === 0) series = arms.map((arm) => new ArmSeries(arm));
        const generators = round % 2 === 0 ? [generator, second] : [second, generator];
        const plans = arms.map((arm) => this.#plan(arm, load));
        const blocks = await runBlocks(generators, plans, proxyCore);
        for (const [i, one] of series.entries()) one.add(blocks[i]!, []);
      } finally {
        await Promise.all(arms.map((arm) => arm.stop()));
      }
    }
    for (const one of series) {
      one.write(ledger, this.place(phase, one.arm.name), load, loadCore);
    }
  }

  /** Load that is not counted: compilers and caches settle before anything is measured. */
  async warm(arms: readonly Arm[], load: Load): Promise<void> {
    for (const arm of arms) {
      this.parts.say(`${this.scenario}: warms ${arm.name}`);
      const plan = this.#plan(arm, { ...load, arrival: { kind: 'closed' } });
      await this.parts.generator.run({ ...plan, durationMs: WARM_MS });
    }
  }

  /**
   * The highest rate, in steps of RATE_STEP, at which generator and servers together stay below
   * 60 % of their core; measured without a proxy, by trying. Undefined when the way without a proxy
   * is not an arm, or the first step is too much already.
   */
  async highestRate(arms: readonly Arm[], load: Load): Promise<number | undefined> {
    const direct = arms.find(({ name }) => name === 'direct');
    if (direct === undefined) return undefined;
    const { generator, loadCore, say } = this.parts;
    let sustained: number | undefined = undefined;
    for (let perSecond = RATE_STEP; perSecond <= RATE_MAX; perSecond += RATE_STEP) {
      say(`${this.scenario}: can the load's core send ${perSecond} requests a second?`);
      const plan = this.#plan(direct, { ...load, arrival: { kind: 'poisson', perSecond } });
      const { busy, late } = await generator.run(plan);
      if (late !== undefined || (busy[loadCore] ?? 1) >= LOAD_CORE_BUSY_MAX) break;
      sustained = perSecond;
    }
    return sustained;
  }

  /** Memory of the arms now, as a phase of its own; arms of one name are samples of one figure. */
  sampleMemory(phase: string, arms: readonly Arm[]): void {
    this.#phaseStartedMs = performance.now();
    for (const [name, alike] of Map.groupBy(arms, (arm) => arm.name)) {
      const points = alike.map((arm) => [this.#look(arm)]);
      writeMemory(this.parts.ledger, this.place(phase, name), points);
    }
  }

  /** Uncounted blocks with companions on: system calls, garbage, pauses, loop lag. */
  async probe(phase: string, arms: readonly Arm[], load: Load): Promise<void> {
    const { gate, generator, ledger, say, take } = this.parts;
    if (take !== undefined) return;
    const probes = gate ? PROBES_GATED : PROBES;
    for (const arm of arms) {
      const samples: Record<string, number[]> = {};
      for (let i = 0; i < probes; i++) {
        say(`${this.scenario}, ${phase}: system calls and garbage of ${arm.name}`);
        const { figures, skipped } = await probe(generator, this.#plan(arm, load), arm);
        for (const [name, value] of Object.entries(figures)) (samples[name] ??= []).push(value);
        for (const { what, why } of skipped) ledger.skip(`${what} of ${arm.name}`, why);
      }
      for (const [name, values] of Object.entries(samples)) {
        ledger.add(this.place(phase, arm.name), name, values);
      }
    }
  }

  /** A peer that does not start is left out, with what it said; ours must start. */
  async #start(peer: Peer, topology: Topology): Promise<Arm | undefined> {
    try {
      return await peer.start(topology, String(this.parts.proxyCore));
    } catch (error) {
      if (peer.name.startsWith('culvert')) throw error;
      const why = error instanceof Error ? error.message : String(error);
      this.parts.ledger.skip(`${peer.name} in ${this.scenario}`, why);
      return undefined;
    }
  }

  async #block(series: ArmSeries, load: Load, memory: MemoryLook): Promise<void> {
    const { arm } = series;
    const plan = this.#plan(arm, load);
    const carries = arm.pids.length > 0;
    const startedMs = Math.round(performance.now() - this.#phaseStartedMs);
    const sampler =
      carries && memory === 'during'
        ? new MemorySampler(arm.pids, SAMPLE_MEMORY_EVERY_MS)
        : undefined;
    const block = await runBlock(this.parts.generator, plan, this.parts.proxyCore);
    const points = sampler?.stop().map((point) => ({ ...point, atMs: point.atMs + startedMs }));
    series.add(block, points ?? (carries ? [this.#look(arm)] : []));
  }

  #look({ pids }: Arm): MemoryPoint {
    return { atMs: Math.round(performance.now() - this.#phaseStartedMs), ...memoryOf(pids) };
  }

  /** A plan for one block on an arm. */
  #plan({ address, pids }: Arm, load: Load): LoadPlan {
    const { pace, rng } = this.parts;
    return {
      protocol: 'http1',
      ...load,
      to: address,
      authority: AUTHORITY,
      warmupMs: pace.warmupMs,
      durationMs: pace.blockMs,
      seed: rng.integer(2 ** 30) + 1,
      watch: pids,
    };
  }

  /** Our cost against each peer's, and what each proxy adds to the latency without one. */
  #pair(phase: string, arms: readonly Arm[], load: Load): void {
    const { ledger } = this.parts;
    const at = { scenario: this.scenario, phase };
    const carriers = arms.filter(({ pids }) => pids.length > 0);
    for (const { name: arm } of carriers.filter(({ name }) => name.startsWith('culvert'))) {
      for (const { name: against } of carriers.filter(({ name }) => name !== arm)) {
        ledger.compare({ ...at, name: 'cpuUsPerRequest', arm, against, kind: 'ratio' });
      }
    }
    if (load.arrival.kind === 'closed' || carriers.length === arms.length) return;
    for (const { name: arm } of carriers) {
      for (const name of ['p50Us', 'p90Us', 'p99Us', 'p999Us']) {
        ledger.compare({ ...at, name, arm, against: 'direct', kind: 'difference' });
      }
    }
  }
}

/** Rates are compared with the way without a proxy. */
const isBudgeted = ({ name, pids }: Arm): boolean =>
  pids.length === 0 || name.startsWith('culvert');
