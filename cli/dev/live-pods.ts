/** The pods of a run as they come and go, and what the controller is told of them. */
import type { ServiceSpec } from './manifest.ts';
import type { PodPlan } from './pod-plan.ts';
import { endpointSlices, podResource } from './pod-resources.ts';
import type { NamedResource, PodCondition } from './pod-resources.ts';
import type { PodRunner } from './pod-runner.ts';
import type { StateDirectory } from './state-directory.ts';

/** What the resources are made of. */
export interface LivePodsParts {
  readonly state: Pick<StateDirectory, 'write' | 'removeOthers'>;
  readonly services: readonly ServiceSpec[];
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
}

interface Entry {
  /** Undefined until its programs are to start. */
  runner: PodRunner | undefined;
  /** ISO 8601. */
  deletedAt: string | undefined;
}

/** Every pod there is. Changes are told by `write`; only that can fail. */
export class LivePods {
  readonly #parts: LivePodsParts;
  readonly #entries = new Map<PodPlan, Entry>();

  constructor(parts: LivePodsParts) {
    this.#parts = parts;
  }

  /** Those that run, the longest there first. */
  get runners(): readonly PodRunner[] {
    return [...this.#entries.values()].flatMap(({ runner }) => runner ?? []);
  }

  /** Pods that nobody asked to end, the longest there first. */
  get staying(): readonly PodRunner[] {
    return [...this.#entries.values()].flatMap(({ deletedAt, runner }) =>
      deletedAt === undefined && runner !== undefined ? [runner] : [],
    );
  }

  /** The pod is there, its programs are not yet. */
  add(plan: PodPlan): void {
    this.#entries.set(plan, { runner: undefined, deletedAt: undefined });
  }

  /** Its programs are about to start. */
  run(runner: PodRunner): void {
    const entry = this.#entries.get(runner.plan);
    if (entry !== undefined) entry.runner = runner;
  }

  /** The pod is asked to end. */
  markDeleted(plan: PodPlan): void {
    const entry = this.#entries.get(plan);
    if (entry !== undefined) entry.deletedAt ??= this.#now();
  }

  markAllDeleted(): void {
    for (const plan of this.#entries.keys()) this.markDeleted(plan);
  }

  /** The pod is gone. */
  remove(plan: PodPlan): void {
    this.#entries.delete(plan);
  }

  /** Tells the controller how the pods are now; throws a `Failure` when that cannot be written. */
  write(): void {
    const { services, state } = this.#parts;
    const resources = this.#resources(services);
    for (const { file, resource } of resources) state.write(file, resource);
    state.removeOthers(resources.map(({ file }) => file));
  }

  #resources(services: readonly ServiceSpec[]): readonly NamedResource[] {
    const plans = [...this.#entries.keys()];
    const conditionOf = (plan: PodPlan): PodCondition => {
      const entry = this.#entries.get(plan);
      return { ready: entry?.runner?.ready ?? false, deletedAt: entry?.deletedAt };
    };
    const podOf = (plan: PodPlan): NamedResource => ({
      file: `pod.${plan.namespace}.${plan.name}`,
      resource: podResource(plan, conditionOf(plan)),
    });
    const ending = (plan: PodPlan): boolean => conditionOf(plan).deletedAt !== undefined;
    // Slices name pods: who reads of those first knows them. Who reads that a pod ends has read of
    // the slices without it before.
    return [
      ...plans.filter((plan) => !ending(plan)).map(podOf),
      ...services.flatMap((service) => endpointSlices(service, plans, conditionOf)),
      ...plans.filter(ending).map(podOf),
    ];
  }

  #now(): string {
    return new Date(this.#parts.wallClockMs()).toISOString();
  }
}
