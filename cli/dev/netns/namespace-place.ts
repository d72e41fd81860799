/** The place of `--network netns`: the machine's one network of namespaces, claimed and made. */
import path from 'node:path';
import type { SocketAddress } from '../../../base/settings.ts';
import { systemRunner } from '../../../k8s/init/runner.ts';
import type { ControllerAddresses } from '../controller-runner.ts';
import type { Environment } from '../environment.ts';
import type { Manifest } from '../manifest.ts';
import type { MeshPlace, StandingPod } from '../mesh-place.ts';
import { planPods } from '../pod-plan.ts';
import type { PodPlan } from '../pod-plan.ts';
import { addressResources } from './address-resources.ts';
import { claimMachine } from './machine-claim.ts';
import { NAME_SERVER_PORT, serveNames } from './name-server.ts';
import { assignClusterIps, namespaceAddresses } from './namespace-addresses.ts';
import type { NetworkRanges } from './namespace-addresses.ts';
import { NamespaceNetwork, refuseWithoutNeeds } from './namespace-network.ts';
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
}

/** Where `ip` and `iptables` are; not in everybody's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
const HTTP_PORT = 80;

/** Claims the machine and makes the network; a `Failure` when that cannot be, and nothing is left. */
export async function claimNamespaces(options: NamespacePlaceOptions): Promise<MeshPlace> {
  const { environment, listen, manifest, ranges, root, say } = options;
  const { deployments, services } = manifest;
  refuseWithoutNeeds();
  const clusterIps = assignClusterIps(services, ranges.services);
  const space = namespaceAddresses(ranges, clusterIps);
  const pods = planPods(manifest, space);
  const resources = addressResources(services, clusterIps);
  const run = systemRunner();
  const network = new NamespaceNetwork({
    ...{ ranges, deployments, services, clusterIps },
    ...{ root, run, say },
  });
  const claim = await claimMachine();
  let standing: () => readonly StandingPod[] = () => [];
  let endNames: (() => void) | undefined;
  const release = async (): Promise<void> => {
    try {
      endNames?.();
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
    environment: withSystemDirectories(environment),
    resources,
    listen: { ...listen, proxyApi: reachable(listen.proxyApi, network.gateway) },
    duty: { lastScript: REMOVE_SCRIPT, hold: claim.descriptor },
    tryCommands: tryCommands(manifest, pods, network),
    usePods: (given) => (standing = given),
    release,
  };
}

/** `--clean`: removes what a run left that was killed together with its guardian. */
export async function cleanNamespaces(): Promise<void> {
  refuseWithoutNeeds();
  const claim = await claimMachine();
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

/** Pods have a loopback of their own: what is at the machine's is at the gateway instead. */
const reachable = (at: SocketAddress, gateway: string): SocketAddress =>
  /^127\.|^::1$|^localhost$/.test(at.host) ? { host: gateway, port: at.port } : at;

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
