/** Where on this machine the mesh of one run is: its addresses and its network. */
import type { AddressSpace } from './address-space.ts';
import type { ControllerAddresses } from './controller-runner.ts';
import type { Environment } from './environment.ts';
import type { Guardian } from './guardian.ts';
import type { PodNetwork } from './pod-network.ts';
import type { PodPlan } from './pod-plan.ts';
import type { NamedResource } from './pod-resources.ts';

/** A pod as it is now. */
export interface StandingPod {
  readonly plan: PodPlan;
  readonly ready: boolean;
}

/** A place that is this run's until `release`. */
export interface MeshPlace {
  readonly space: AddressSpace;
  readonly pods: readonly PodPlan[];
  readonly network: PodNetwork;
  /** What every program gets. */
  readonly environment: Environment;
  /** What the controller is told besides, for the whole run. */
  readonly resources: readonly NamedResource[];
  /** Where the controller is to listen. */
  readonly listen: ControllerAddresses;
  /** Of the run: it was there before anything was made. `release` ends it. */
  readonly guardian: Guardian;
  /** Commands worth trying here. */
  readonly tryCommands: readonly string[];
  /** From now on the pods of the mesh are these; names may stand for them. */
  usePods(pods: () => readonly StandingPod[]): void;
  /** The run begins to end: who wants the place may wait for it. */
  beginEnd(): void;
  /** Lets go of it; nothing of the mesh runs any more. Rejects with a `Failure` when something stays. */
  release(): Promise<void>;
}
