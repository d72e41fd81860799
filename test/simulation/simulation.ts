/**
 * A day in the life of a mesh, from a seed.
 *
 *   epoch (2 h):  traffic alone ─ traffic and faults ─ traffic, what was cut heals ─ nothing
 *                    0 to 5 min      5 to 75 min            75 to 104 min            │ 120 min
 *                                                                         nothing is left ┘
 */
import { limits, limitsProblem } from '../../proxy/limits.ts';
import type { Protocol } from '../../proxy/model/exchange.ts';
import { Random } from '../support/random.ts';
import { ClientPod } from './client-pod.ts';
import { ControlPlane } from './control-plane.ts';
import { Faults } from './faults.ts';
import { type Outcome, Violation } from './ledger.ts';
import type { Met } from './met.ts';
import { type Plan, randomPlan } from './plan.ts';
import type { ServiceKind } from './service-kind.ts';
import type { Service } from './service.ts';
import { type TraceOptions, UntilReached } from './trace.ts';
import { World } from './world.ts';

const MINUTE_MS = 60_000;
const EPOCH_MS = 120 * MINUTE_MS;
const FAULTS_FROM_MS = 5 * MINUTE_MS;
const FAULTS_TO_MS = 75 * MINUTE_MS;
const TRAFFIC_TO_MS = 104 * MINUTE_MS;
/** Mean times between bursts of requests, and between faults. */
const BURST_EVERY_MS = 60_000;
const FAULT_EVERY_MS = 100_000;
const REQUESTS_OF_BURST_MAX = 12;
/** Less than the shortest idle limit of a pooled connection, and a bit more. */
const SPREAD_MS_MAX = 4_000;
const SLOW_REQUESTS = 4;
const HASTY_REQUESTS = 6;
const HASTY_MS_MAX = 1_200;
/** Ends before a drain does, and not before it has closed its listeners. */
const SLOW: Partial<Plan> = {
  grpcTimeoutMs: undefined,
  requestPieces: 1,
  requestGapMs: 0,
  thinkMs: 0,
  responseBytes: 2_000,
  responsePieces: 4,
  responseGapMs: 5_000,
  clientStallMs: 0,
  applicationStallMs: 0,
  cancelAfterMs: undefined,
  early: false,
};
const CLIENTS = 2;
const LOSSY = 0.05;
const DAY_HOURS = 24;

/** What a day came to. */
export interface DayReport {
  readonly seed: number;
  readonly requests: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Conversations of TCP. */
  readonly talks: { readonly whole: number; readonly cut: number };
  readonly faults: number;
  readonly events: number;
  readonly met: Met;
  /** Of the network. */
  readonly steps: number;
}

/** A day that went wrong: the message has the seed, what was wrong, and the last events. */
export class DayFailed extends Error {
  override readonly name = 'DayFailed';
}

/** Limits as small as they may be set, so that a day meets them. */
function setLimits(random: Random): () => void {
  const before = { ...limits };
  const KiB = 1_024;
  limits.streamWindowBytes = random.pick([16 * KiB, 24 * KiB, 64 * KiB]);
  limits.connectionWindowBytes = Math.max(64 * KiB, 2 * limits.streamWindowBytes);
  limits.replayBytesMax = random.pick([16 * KiB, 64 * KiB]);
  limits.http2LinksPerEndpointMax = random.pick([1, 2, 8]);
  const problem = limitsProblem(limits);
  if (problem !== undefined) throw new Error(problem);
  return () => void Object.assign(limits, before);
}

function kindsOf(random: Random): ServiceKind[] {
  const kinds: ServiceKind[] = [];
  for (const protocol of ['http1', 'http2', random.pick(['http1', 'http2'] as const)] as const) {
    const meshed = kinds.length < 2 || random.chance(0.5);
    const told = !meshed || random.chance(0.5);
    kinds.push({
      index: kinds.length,
      protocol,
      serverFirst: false,
      hint: told ? protocol : undefined,
      meshed,
      http1Transport: random.pick(['http1', 'http2', 'http2'] as const),
    });
  }
  kinds.push({
    index: kinds.length,
    protocol: 'tcp',
    serverFirst: random.chance(0.5),
    hint: undefined,
    meshed: random.chance(0.8),
    http1Transport: undefined,
  });
  return kinds;
}

/** One mesh and its day. */
class Day {
  readonly world: World;
  faults = 0;
  requests = 0;
  readonly #plane: ControlPlane;
  readonly #clients: ClientPod[];
  readonly #faults: Faults;

  constructor(seed: number, options: TraceOptions) {
    this.world = new World(seed, options);
    const { random } = this.world;
    this.#plane = new ControlPlane(this.world, kindsOf(random));
    this.#clients = Array.from(
      { length: CLIENTS },
      (_, i) => new ClientPod(this.world, this.#plane, i),
    );
    this.#faults = new Faults(this.world, this.#plane, this.#clients, {
      slow: (service) => this.#slow(service),
      hasty: (service) => this.#hasty(service),
    });
  }

  async run(hours: number): Promise<void> {
    for (const service of this.#plane.services) {
      for (let pods = this.world.random.integer(1, 3); pods > 0; pods--) await service.addPod();
    }
    for (const client of this.#clients) await client.start();
    this.#everyMinute();
    for (let hour = 0; hour < hours; hour += EPOCH_MS / MINUTE_MS / 60) await this.#epoch();
  }

  async #epoch(): Promise<void> {
    const { blame, ledger, talks, time, trace } = this.world;
    trace.add('an epoch begins');
    const beginMs = time.nowMs;
    this.#traffic(beginMs, beginMs + TRAFFIC_TO_MS);
    time.after(FAULTS_FROM_MS, () => {
      this.#plane.lossy = LOSSY;
      this.#troubles(beginMs + FAULTS_TO_MS);
    });
    time.after(FAULTS_TO_MS, () => {
      this.#plane.lossy = 0;
      this.#faults.heal();
    });
    await time.run(EPOCH_MS);
    this.#checkNothingIsLeft();
    blame.forget(time.nowMs - EPOCH_MS);
    ledger.forget();
    talks.forget();
  }

  #everyMinute(): void {
    const { ledger, proxies, sides, talks, time } = this.world;
    for (const proxy of proxies) proxy.sweep();
    for (const side of sides) {
      if (side.peer.isClosed) sides.delete(side);
      else side.checkCredit();
    }
    ledger.check();
    talks.check();
    time.after(MINUTE_MS, () => this.#everyMinute());
  }

  // ---- traffic ----

  #traffic(beginMs: number, endMs: number): void {
    const { time } = this.world;
    const waitMs = this.world.interval(BURST_EVERY_MS);
    if (time.nowMs + waitMs >= endMs) return;
    time.after(waitMs, () => {
      const sinceMs = time.nowMs - beginMs;
      this.#burst(sinceMs >= FAULTS_FROM_MS && sinceMs < FAULTS_TO_MS);
      this.#traffic(beginMs, endMs);
    });
  }

  #burst(mishaps: boolean): void {
    const { random } = this.world;
    const count = random.chance(0.7)
      ? random.integer(1, 2)
      : random.integer(1, REQUESTS_OF_BURST_MAX);
    for (let i = 0; i < count; i++) {
      // Some come when others have just been answered, and find their connections.
      const waitMs = random.chance(0.5) ? 0 : random.integer(1, SPREAD_MS_MAX);
      this.world.time.after(waitMs, () =>
        this.#request(random.pick(this.#plane.services), mishaps),
      );
    }
    // Some faults hit a burst while it is on its way.
    if (mishaps && random.chance(0.03)) {
      this.faults++;
      this.#faults.happen();
    }
  }

  /** Requests that are under way for as long as a drain may wait for them. */
  #slow(service: Service): void {
    for (let i = 0; i < SLOW_REQUESTS; i++) this.#request(service, false, SLOW);
  }

  #hasty(service: Service): void {
    const { random } = this.world;
    for (let i = 0; i < HASTY_REQUESTS; i++) {
      this.#request(service, false, { cancelAfterMs: random.integer(0, HASTY_MS_MAX) });
    }
  }

  #request(service: Service, mishaps: boolean, changes?: Partial<Plan>): void {
    const { ledger, random, talks } = this.world;
    const client = random.pick(this.#clients);
    const { index, serverFirst } = service.kind;
    this.requests++;
    if (service.kind.protocol === 'tcp') {
      const of = { client: client.index, service: index, serverFirst, mishaps };
      return client.talk(talks.begin(random, of));
    }
    const protocol: Protocol = random.pick(['http1', 'http2']);
    const plan = randomPlan(random, {
      client: protocol,
      application: service.kind.protocol,
      mishaps,
    });
    client.ask(ledger.begin(client.index, index, { ...plan, ...changes }), service);
  }

  #troubles(endMs: number): void {
    const { time } = this.world;
    time.after(this.world.interval(FAULT_EVERY_MS), () => {
      if (time.nowMs >= endMs) return;
      this.faults++;
      this.#faults.happen();
      this.#troubles(endMs);
    });
  }

  // ---- what must hold ----

  #checkNothingIsLeft(): void {
    const { ledger, proxies, talks, transport } = this.world;
    const left = [...proxies].flatMap((proxy) => proxy.leftovers());
    for (const { id } of ledger.open) left.push(`ask ${id} is open`);
    for (const { id } of talks.open) left.push(`talk ${id} is open`);
    if (transport.slabs.out !== 0) left.push(`${transport.slabs.out} slabs`);
    if (left.length > 0) throw new Violation(`left behind: ${left.join('; ')}`);
  }
}

/** Lives a day; throws DayFailed when something was wrong. */
export async function liveDay(
  seed: number,
  options: TraceOptions & { readonly hours?: number } = {},
): Promise<DayReport> {
  const { hours = DAY_HOURS, ...trace } = options;
  const restore = setLimits(new Random(seed));
  const day = new Day(seed, trace);
  try {
    await day.run(hours);
  } catch (error) {
    if (error instanceof UntilReached) throw error;
    const what = error instanceof Violation ? error.message : String((error as Error).stack);
    const again = `CULVERT_TEST_SEED=${seed} npm test -- test/simulation`;
    throw new DayFailed(`seed ${seed}: ${what}\n${day.world.trace.tail}\nagain: ${again}`, {
      cause: error,
    });
  } finally {
    restore();
    day.world.dispose();
  }
  const { ledger, met, steps, talks, trace: told } = day.world;
  const { faults, requests } = day;
  const { outcomes } = ledger;
  return {
    seed,
    requests,
    outcomes,
    talks: talks.outcomes,
    faults,
    events: told.count,
    met,
    steps,
  };
}
