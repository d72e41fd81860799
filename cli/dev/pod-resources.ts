/** What `dev` writes for the controller: Pods and EndpointSlices, as kubelet and Kubernetes do. */
import type { SocketAddress } from '../../base/settings.ts';
import { publishedAnnotations } from './pod-annotations.ts';
import type { PodPlan, PodPort } from './pod-plan.ts';
import { endpointsOf } from './pod-plan.ts';
import type { ServiceSpec } from './manifest.ts';

/** How a pod is doing. */
export interface PodCondition {
  readonly ready: boolean;
  /** ISO 8601; undefined while nobody asked the pod to end. */
  readonly deletedAt: string | undefined;
}

/** The namespace that pods name as their control plane's. */
const CONTROL_PLANE_NAMESPACE = 'culvert';

/** The Pod as the controller reads it. */
export function podResource(pod: PodPlan, { ready, deletedAt }: PodCondition): object {
  const { deployment } = pod;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.namespace,
      name: pod.name,
      labels: {
        ...deployment.labels,
        ...(deployment.meshed
          ? {
              'culvert.dev/control-plane-ns': CONTROL_PLANE_NAMESPACE,
              'culvert.dev/proxy-deployment': deployment.name,
            }
          : {}),
      },
      annotations: publishedAnnotations(pod),
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.name, controller: true },
      ],
      ...(deletedAt === undefined ? {} : { deletionTimestamp: deletedAt }),
    },
    spec: {
      ...(pod.admin === undefined ? {} : { initContainers: [sidecarContainer(pod.admin)] }),
      containers: [{ name: deployment.container.name, ports: pod.ports.map(containerPort) }],
    },
    status: {
      phase: 'Running',
      podIP: pod.address,
      podIPs: [{ ip: pod.address }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

/** A native sidecar: started before the containers of the pod and ended after them. */
const sidecarContainer = ({ port }: SocketAddress): object => ({
  name: 'culvert-proxy',
  restartPolicy: 'Always',
  ports: [{ name: 'culvert-admin', containerPort: port }],
});

/** Others dial the pod at its inbound port: that is the port to publish. */
const containerPort = ({ name, inbound }: PodPort): object => ({
  ...(name === undefined ? {} : { name }),
  containerPort: inbound.port,
});

/** A resource and the file it belongs to. */
export interface NamedResource {
  readonly file: string;
  readonly resource: object;
}

/**
 * The EndpointSlices of a service: one for each set of ports, so one in all, but one a pod where
 * every pod has ports of its own (`--single-address`).
 */
export function endpointSlices(
  service: ServiceSpec,
  pods: readonly PodPlan[],
  conditionOf: (pod: PodPlan) => PodCondition,
): readonly NamedResource[] {
  const slices = new Map<string, { ports: object[]; endpoints: object[] }>();
  for (const pod of pods) {
    const ports = service.ports.flatMap((port) =>
      endpointsOf(service, port, [pod]).map(({ at }) => ({
        ...(port.name === undefined ? {} : { name: port.name }),
        port: at.port,
        protocol: 'TCP',
      })),
    );
    if (ports.length === 0) continue;
    const key = JSON.stringify(ports);
    const slice = slices.get(key) ?? { ports, endpoints: [] };
    slice.endpoints.push(endpoint(pod, conditionOf(pod)));
    slices.set(key, slice);
  }
  return [...slices.values()].map((slice, i) => {
    const name = `${service.name}-${i + 1}`;
    return {
      file: `endpointslice.${service.namespace}.${name}`,
      resource: sliceResource(service, name, slice),
    };
  });
}

function endpoint(pod: PodPlan, { ready, deletedAt }: PodCondition): object {
  const terminating = deletedAt !== undefined;
  return {
    addresses: [pod.address],
    conditions: { ready: ready && !terminating, serving: ready, terminating },
    targetRef: { kind: 'Pod', namespace: pod.namespace, name: pod.name },
  };
}

function sliceResource(
  service: ServiceSpec,
  name: string,
  slice: { readonly ports: readonly object[]; readonly endpoints: readonly object[] },
): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: service.namespace,
      name,
      labels: { 'kubernetes.io/service-name': service.name },
    },
    addressType: 'IPv4',
    ports: slice.ports,
    endpoints: slice.endpoints,
  };
}
