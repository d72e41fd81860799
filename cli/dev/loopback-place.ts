import { blockCandidates, claimAddresses, singleCandidates } from './address-space.ts';
import type { ControllerAddresses } from './controller-runner.ts';
import type { Environment } from './environment.ts';
import { Guardian } from './guardian.ts';
import type { Manifest } from './manifest.ts';
import type { MeshPlace } from './mesh-place.ts';
import { loopbackNetwork } from './pod-network.ts';
import { listenersOf, planPods } from './pod-plan.ts';
import { newStateDirectoryPath } from './state-directory.ts';

/** What is asked of loopback. */
export interface LoopbackPlaceOptions {
  readonly manifest: Manifest;
  readonly environment: Environment;
  readonly listen: ControllerAddresses;
  readonly singleAddress: boolean;
}

/** Addresses on the machine's loopback that nobody else has; a `Failure` when there are none. */
export async function claimLoopback(options: LoopbackPlaceOptions): Promise<MeshPlace> {
  const { environment, listen, manifest, singleAddress } = options;
  const claim = await claimAddresses(
    singleAddress ? singleCandidates : blockCandidates,
    (space) => {
      const plan = planPods(manifest, space);
      return { plan, listeners: listenersOf(plan) };
    },
  );
  const guardian = new Guardian(newStateDirectoryPath());
  return {
    space: claim.space,
    pods: claim.plan,
    network: loopbackNetwork(singleAddress),
    environment,
    resources: [],
    listen,
    guardian,
    tryCommands: [],
    usePods: () => {},
    beginEnd: () => {},
    release: async () => {
      await guardian.close();
      claim.release();
    },
  };
}
