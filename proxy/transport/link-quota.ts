/**
 * How many links of one kind a thread may have open, over all its listeners or pools. Who takes
 * one gives it back once. A full quota first asks for what merely idles.
 */
import { limits } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

/** One count with its bound. */
export class LinkQuota {
  readonly max: number;
  /** What is said to those who come when it is full. */
  readonly refusal: MeshError;
  readonly #reclaims: (() => boolean)[] = [];
  readonly #taken: Float64Array;

  /** `taken`: where the count is kept, one number, when other threads must see it. */
  constructor(max: number, refusal: MeshError, taken: Float64Array = new Float64Array(1)) {
    this.max = max;
    this.refusal = refusal;
    this.#taken = taken;
    taken[0] = 0;
  }

  /** Links that count now. */
  get taken(): number {
    return this.#taken[0]!;
  }

  /** `reclaim` closes something that idles, soon, and says whether there was any. */
  onFull(reclaim: () => boolean): void {
    this.#reclaims.push(reclaim);
  }

  /**
   * HOT: per exchange, where connections are not kept. Whether one more may be opened; it counts
   * from now on. One that was reclaimed for it counts no more, and closes within the turn.
   */
  take(): boolean {
    const room = this.taken < this.max || this.#reclaims.some((reclaim) => reclaim());
    if (room) this.#taken[0]! += 1;
    return room;
  }

  give(): void {
    this.#taken[0]! -= 1;
  }
}

/** The quotas of one thread. */
export interface ThreadQuotas {
  /** Downstream connections that are being told that there are too many. */
  readonly refused: LinkQuota;
  /** Upstream connections of all pools. */
  readonly upstream: LinkQuota;
}

/** Quotas by the limits in force in this thread; `refused`: where those being refused are counted. */
export function threadQuotas(refused?: Float64Array): ThreadQuotas {
  const { downstreamLinksMax, refusedLinksMax, upstreamLinksMax } = limits;
  return {
    refused: new LinkQuota(
      refusedLinksMax,
      tooMany(`This proxy has ${downstreamLinksMax} downstream connections`),
      refused,
    ),
    upstream: new LinkQuota(
      upstreamLinksMax,
      tooMany(`This thread has ${upstreamLinksMax} upstream connections`),
    ),
  };
}

function tooMany(what: string): MeshError {
  const descriptors = limits.boundingDescriptors;
  return descriptors > 0
    ? new MeshError(
        'out-of-descriptors',
        'proxy',
        `${what}, as many as a limit of ${descriptors} open files allows.`,
      )
    : new MeshError('overloaded', 'proxy', `${what}, its limit.`);
}
