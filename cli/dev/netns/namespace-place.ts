/** The place of `--network netns`: the machine's one network of namespaces, claimed and made. */
import path from 'node:path';
import { systemRunner } from '../../../k8s/init/runner.ts';
import type { ControllerAddresses } from '../controller-runner.ts';
import type { Environment } from '../environment.ts';
import { Guardian } from '../guardian.ts';
import type { Manifest } from '../manifest.ts';
import type { MeshPlace, StandingPod } from '../mesh-place.ts';
import { planPods } from '../pod-plan.ts';
import type { PodPlan } from '../pod-plan.ts';
import { newStateDirectoryPath } from '../state-directory.ts';
import { addressResources } from './address-resources.ts';
import { listenForPods } from './machine-address.ts';
import { claimMachine } from './machine-claim.ts';
import { NAME_SERVER_PORT, serveNames } from './name-server.ts';
import { assignClusterIps, namespaceAddresses } from './namespace-addresses.ts';
import type { NetworkRanges } from './namespace-addresses.ts';
import { NamespaceNetwork, refuseSidecarUser, refuseWithoutNeeds } from './namespace-network.ts';
import { REMOVE_SCRIPT, removeAll } from './removal.ts';
import { ServiceNames } from './service-names.ts';

/** What is asked of the network. */
export interface NamespacePlaceOptions {
  /** The checkout, absolute. */
  readonly root: string;
  readonly manifest: Manifest;
  readonly environment: Environment;
  readonly listen: ControllerAddresses;
  readonly ranges: NetworkRanges;
  /** A sentence for the user. */
  readonly say: (line: string) => void;
  /** Aborts when the run is to end: then it waits for no other. */
  readonly stop: AbortSignal;
}

/** Where `ip` and `iptables` are; not in everybody's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const HTTP_PORT = 80;

/** Claims the machine and makes the network; a `Failure`, or what `stop` says, when that cannot be: nothing is left. */
export async function claimNamespaces(options: NamespacePlaceOptions): Promise<MeshPlace> {
  const { listen, manifest, ranges, root, say, stop } = options;
  const { deployments, services } = manifest;
  refuseWithoutNeeds();
  refuseSidecarUser(deployments);
  const environment = withSystemDirectories(options.environment);
  const clusterIps = assignClusterIps(services, ranges.services);
  const space = namespaceAddresses(ranges, clusterIps);
  const pods = planPods(manifest, space);
  const resources = addressResources(services, clusterIps);
  const claim = await claimMachine(say, stop);
  // Before anything is made: from here on everything goes, whatever becomes of us.
  const duty = { lastScript: REMOVE_SCRIPT, hold: claim.descriptor };
  const guardian = new Guardian(newStateDirectoryPath(), duty);
  const network = new NamespaceNetwork({
    ranges,
    deployments,
    services,
    clusterIps,
    root,
    environment,
    guardian,
    say,
    stop,
  });
  let standing = noPods;
  let endNames: (() => void) | undefined;
  const release = async (): Promise<void> => {
    claim.beginEnd();
    try {
      endNames?.();
      await guardian.close();
      await network.close();
    } finally {
      claim.release();
    }
  };
  try {
    await network.open();
    const names = new ServiceNames(services, clusterIps, () => standing());
    endNames = await serveNames(network.gateway, NAME_SERVER_PORT, (question) =>
      names.answer(question),
    );
  } catch (error) {
    await release();
    throw error;
  }
  return {
    space,
    pods,
    network,
    environment,
    resources,
    guardian,
    listen: { ...listen, proxyApi: listenForPods(listen.proxyApi, network.gateway) },
    tryCommands: tryCommands(manifest, pods, network),
    usePods: (given) => (standing = given),
    beginEnd: () => claim.beginEnd(),
    release,
  };
}

const noPods = (): readonly StandingPod[] => [];

/** `--clean`: removes what a run left that was killed together with its guardian. */
export async function cleanNamespaces(say: (line: string) => void): Promise<void> {
  refuseWithoutNeeds();
  const claim = await claimMachine(say);
  try {
    await removeAll(systemRunner());
  } finally {
    claim.release();
  }
}

const withSystemDirectories = (environment: Environment): Environment => ({
  ...environment,
  PATH: [environment['PATH'] ?? '', ...SYSTEM_DIRECTORIES].join(path.delimiter),
});

/** From the last pod, which in a manifest is often who calls the others. */
function tryCommands(
  { services }: Manifest,
  pods: readonly PodPlan[],
  network: NamespaceNetwork,
): readonly string[] {
  const pod = pods.at(-1);
  if (pod === undefined) return [];
  const enter = `ip netns exec ${network.namespaceOf(pod)}`;
  const web = services.find(
    ({ namespace, ports }) =>
      namespace === pod.namespace && ports.some(({ port }) => port === HTTP_PORT),
  );
  return [web === undefined ? `${enter} sh` : `${enter} curl http://${web.name}/`];
}
