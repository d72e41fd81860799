/** Who runs where: every pod of the manifest with its addresses, before anything starts. */
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import type { AddressSpace } from './address-space.ts';
import type { DeploymentSpec, Manifest, NamedPort, ServicePort, ServiceSpec } from './manifest.ts';

/** spec.clusterIP of a Service without an address: its name stands for those of its pods. */
export const HEADLESS = 'None';

/** Where a sidecar takes connections that were going elsewhere: those that leave, those that arrive. */
export const INTERCEPTING_PORTS = [4140, 4143] as const;

/** A container port of one pod. */
export interface PodPort {
  readonly name: string | undefined;
  /** As the manifest says it. */
  readonly containerPort: number;
  /** Where others reach it: the sidecar's listener, or the application's own without a sidecar. */
  readonly inbound: SocketAddress;
  /** Where the application listens. */
  readonly application: SocketAddress;
}

/** Where a pod's application reaches a service port. */
export interface WayOut {
  readonly service: ServiceSpec;
  readonly port: ServicePort;
  readonly at: SocketAddress;
  /** The service's first endpoint, if it has one: who is not balanced goes there. */
  readonly firstEndpoint: SocketAddress | undefined;
}

/** One pod with all its addresses. */
export interface PodPlan {
  readonly namespace: string;
  readonly name: string;
  readonly deployment: DeploymentSpec;
  readonly address: string;
  readonly ports: readonly PodPort[];
  /** The sidecar's admin port; undefined without a sidecar. */
  readonly admin: SocketAddress | undefined;
  /** To the services of the pod's own namespace. */
  readonly waysOut: readonly WayOut[];
}

/** A pod port that serves a service port. */
export interface ServiceEndpoint {
  readonly pod: PodPlan;
  readonly at: SocketAddress;
}

/**
 * Plans every pod; a `Failure` when the manifest is larger than the address space, or two listeners
 * of a pod have one address.
 */
export function planPods(manifest: Manifest, space: AddressSpace): readonly PodPlan[] {
  const replicas = manifest.deployments.flatMap((deployment) =>
    Array.from({ length: deployment.replicas }, (_, i) => ({
      deployment,
      name: `${deployment.name}-${i + 1}`,
    })),
  );
  refuseMore('pods', replicas.length, space.podsMax);
  refuseMore('services', manifest.services.length, space.servicesMax);

  const withoutWays = replicas.map(({ deployment, name }, i) =>
    planAlone(deployment, name, i + 1, space),
  );
  const pods = withoutWays.map((pod, i) => withWays(pod, i + 1, manifest, space, withoutWays));
  for (const pod of pods) refuseTwins(pod, space);
  return pods;
}

/** Plans one more pod, the `n`-th of the space, beside `others`. */
export function planPod(
  manifest: Manifest,
  space: AddressSpace,
  given: { readonly deployment: DeploymentSpec; readonly name: string; readonly n: number },
  others: readonly PodPlan[],
): PodPlan {
  const { deployment, n, name } = given;
  return withWays(planAlone(deployment, name, n, space), n, manifest, space, others);
}

const planAlone = (
  deployment: DeploymentSpec,
  name: string,
  n: number,
  space: AddressSpace,
): PodPlan => ({
  namespace: deployment.namespace,
  name,
  deployment,
  address: space.pod(n),
  ports: deployment.container.ports.map((port) => planPort(port, n, deployment, space)),
  admin: deployment.meshed ? space.admin(n) : undefined,
  waysOut: [],
});

function withWays(
  pod: PodPlan,
  n: number,
  { services }: Manifest,
  space: AddressSpace,
  pods: readonly PodPlan[],
): PodPlan {
  const waysOut = services.flatMap((service, k) =>
    service.namespace === pod.namespace && !(space.intercepted && service.clusterIp === HEADLESS)
      ? service.ports.flatMap((port) => {
          // Without a sidecar there is no balancing: the first endpoint stands for the service.
          const firstEndpoint = endpointsOf(service, port, pods)[0]?.at;
          const at = pod.deployment.meshed ? space.wayOut(n, k + 1, port.port) : firstEndpoint;
          return at === undefined ? [] : [{ service, port, at, firstEndpoint }];
        })
      : [],
  );
  return { ...pod, waysOut };
}

function refuseTwins(pod: PodPlan, space: AddressSpace): void {
  const seen = new Set<string>();
  const applications = pod.ports.map(({ application }) => application);
  const own = space.intercepted ? sidecarListeners(pod) : [pod.admin];
  const listeners = space.intercepted ? [...applications, ...own] : listenersOf([pod]);
  for (const listener of listeners) {
    if (listener === undefined) continue;
    const address = formatSocketAddress(listener);
    if (seen.has(address)) {
      const why = own.includes(listener) ? "its sidecar's own" : 'given twice';
      throw new Failure(
        `pod ${pod.namespace}/${pod.name} cannot listen twice at ${address}: port ${listener.port} is ${why}; choose another`,
      );
    }
    seen.add(address);
  }
}

/** Where the sidecar listens beside the application, at the pod's one address. */
const sidecarListeners = ({ address, admin }: PodPlan): readonly SocketAddress[] =>
  admin === undefined
    ? []
    : [admin, ...INTERCEPTING_PORTS.map((port) => ({ host: address, port }))];

function refuseMore(what: string, actual: number, maximum: number): void {
  if (actual > maximum) {
    throw new Failure(`the manifest has ${actual} ${what}; dev has addresses for ${maximum}`);
  }
}

function planPort(
  { name, port }: NamedPort,
  n: number,
  { meshed }: DeploymentSpec,
  space: AddressSpace,
): PodPort {
  const inbound = space.inbound(n, port);
  const application = meshed ? space.application(n, port) : inbound;
  return { name, containerPort: port, inbound, application };
}

/** The pods that `service` selects and that have the port its `port` targets. */
export function endpointsOf(
  service: ServiceSpec,
  port: ServicePort,
  pods: readonly PodPlan[],
): readonly ServiceEndpoint[] {
  return pods.flatMap((pod) => {
    if (!selects(service, pod)) return [];
    const target = pod.ports.find(
      ({ name, containerPort }) => port.targetPort === containerPort || port.targetPort === name,
    );
    return target === undefined ? [] : [{ pod, at: target.inbound }];
  });
}

/** Whether `service` selects the pod. A service without a selector selects nothing. */
export function selects(service: ServiceSpec, pod: PodPlan): boolean {
  const wanted = Object.entries(service.selector);
  return (
    service.namespace === pod.namespace &&
    wanted.length > 0 &&
    wanted.every(([label, value]) => pod.deployment.labels[label] === value)
  );
}

/** Every address that the planned programs will listen on. */
export function listenersOf(pods: readonly PodPlan[]): readonly SocketAddress[] {
  return pods.flatMap((pod) => {
    const applications = pod.ports.map(({ application }) => application);
    if (pod.admin === undefined) return applications;
    const inbound = pod.ports.map((port) => port.inbound);
    return [...applications, ...inbound, ...pod.waysOut.map(({ at }) => at), pod.admin];
  });
}
