import type { AddressSpace } from './address-space.ts';
import { Failure } from '../failure.ts';
import type { DeploymentSpec, Manifest } from './manifest.ts';
import { planPod } from './pod-plan.ts';
import type { PodPlan } from './pod-plan.ts';

/**
 * Plans pods that come after the first ones: a name that no pod of the run had, and an address that
 * none has now. Addresses are gone through in turn, so that one that was let go is not some other
 * pod's at once.
 */
export class PodPlanner {
  readonly #manifest: Manifest;
  readonly #space: AddressSpace;
  /** The pods that are there, and where in the space they are. */
  readonly #places = new Map<PodPlan, number>();
  /** Pods that each Deployment, "namespace/name", has had. */
  readonly #counts = new Map<string, number>();
  /** A single address has no more ports once they are given out: plans of pods that are gone. */
  readonly #spare: PodPlan[] = [];
  #last = 0;

  /** `planned`: the first pods, in the order of the space. */
  constructor(manifest: Manifest, space: AddressSpace, planned: readonly PodPlan[]) {
    this.#manifest = manifest;
    this.#space = space;
    for (const plan of planned) {
      this.#places.set(plan, ++this.#last);
      this.#countOne(plan.deployment);
    }
  }

  /** A `Failure` when there is no room. */
  next(deployment: DeploymentSpec): PodPlan {
    const name = `${deployment.name}-${this.#countOne(deployment)}`;
    const spare = this.#spare.findIndex((plan) => plan.deployment === deployment);
    const [again] = spare === -1 ? [] : this.#spare.splice(spare, 1);
    const n = this.#freePlace();
    const others = [...this.#places.keys()];
    const plan =
      again === undefined
        ? planPod(this.#manifest, this.#space, { deployment, name, n }, others)
        : { ...again, name };
    this.#places.set(plan, n);
    this.#last = n;
    return plan;
  }

  /** The pod is gone. */
  release(plan: PodPlan): void {
    if (this.#places.delete(plan) && this.#space.single) this.#spare.push(plan);
  }

  #countOne({ name, namespace }: DeploymentSpec): number {
    const key = `${namespace}/${name}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }

  #freePlace(): number {
    const taken = new Set(this.#places.values());
    const { podsMax } = this.#space;
    for (let i = 0; i < podsMax; i++) {
      const n = ((this.#last + i) % podsMax) + 1;
      if (!taken.has(n)) return n;
    }
    throw new Failure(`there are ${podsMax} pods, and dev has no address for another`);
  }
}
