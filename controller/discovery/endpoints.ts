/**
 * The endpoints of one port of a Service: from its EndpointSlices where there are any, else from
 * its selector and the Pods, as Kubernetes' endpoint controller would derive them.
 */
import { type Endpoint, type Owner, Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { hasPort } from '../../base/port-list.ts';
import { declaresPort, podAt } from '../addresses.ts';
import { hostPort } from '../resources/ip-address.ts';
import { resourceKey } from '../resources/resource.ts';
import type {
  EndpointSlice,
  Pod,
  Service,
  ServicePort,
  SliceEndpoint,
} from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { endpointProtocol, saidOfPort } from './app-protocol.ts';
import { podsOfService } from './selected-pods.ts';

/** The container port of a sidecar that serves its admin endpoints. */
export const ADMIN_PORT_NAME = 'culvert-admin';

/** Sorted by id, each id once. */
export function endpointsOf(mesh: Mesh, service: Service, port: ServicePort): Endpoint[] {
  const slices = mesh.slicesOfService.get(resourceKey(service.namespace, service.name));
  const endpoints =
    slices === undefined
      ? endpointsOfSelector(mesh, service, port)
      : endpointsOfSlices(mesh, service, port, slicesOfOneFamily(slices));
  return onceEach(endpoints).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Likewise of both families, in no order. */
export function everyEndpointOf(mesh: Mesh, service: Service, port: ServicePort): Endpoint[] {
  const slices = mesh.slicesOfService.get(resourceKey(service.namespace, service.name));
  return onceEach(
    slices === undefined
      ? endpointsOfSelector(mesh, service, port)
      : endpointsOfSlices(mesh, service, port, slices),
  );
}

function onceEach(endpoints: readonly Endpoint[]): Endpoint[] {
  const byId = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    if (!byId.has(endpoint.id)) byId.set(endpoint.id, endpoint);
  }
  return [...byId.values()];
}

/** A dual-stack service has each pod in a slice of both types: one family is enough. */
function slicesOfOneFamily(slices: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const family = slices.some((slice) => slice.addressType === 'IPv4') ? 'IPv4' : 'IPv6';
  return slices.filter((slice) => slice.addressType === family);
}

function endpointsOfSlices(
  mesh: Mesh,
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
): Endpoint[] {
  return slices.flatMap((slice) => {
    const slicePort = slice.ports.find((one) => one.name === port.name);
    const number = slicePort === undefined ? undefined : (slicePort.port ?? port.port);
    if (number === undefined) return [];
    const appProtocol = slicePort?.appProtocol ?? port.appProtocol;
    const protocol = endpointProtocol(saidOfPort(service, port, appProtocol));
    return slice.endpoints.map((endpoint) => ({
      ...sliceEndpoint(mesh, endpoint, number),
      protocol,
    }));
  });
}

function sliceEndpoint(
  mesh: Mesh,
  endpoint: SliceEndpoint,
  port: number,
): Omit<Endpoint, 'protocol'> {
  const pod =
    endpoint.pod === undefined
      ? podAt(mesh, endpoint.address, (one) => declaresPort(one, port))
      : mesh.pods.get(endpoint.pod);
  const podKey = endpoint.pod ?? (pod && resourceKey(pod.namespace, pod.name));
  return {
    id: podKey === undefined ? hostPort(endpoint.address, port) : `${podKey}:${port}`,
    address: endpoint.address,
    port,
    weight: 1,
    ready: endpoint.ready,
    terminating: endpoint.terminating,
    meshed: pod !== undefined && meshedAt(pod, port),
    zone: endpoint.zone,
    owner: pod === undefined ? undefined : ownerOf(pod),
  };
}

function endpointsOfSelector(mesh: Mesh, service: Service, port: ServicePort): Endpoint[] {
  const protocol = endpointProtocol(saidOfPort(service, port, port.appProtocol));
  return podsOfService(mesh, service).flatMap((pod) => {
    const number =
      typeof port.targetPort === 'number'
        ? port.targetPort
        : pod.ports.find((one) => one.name === port.targetPort)?.port;
    const address = pod.addresses[0];
    if (number === undefined || address === undefined || pod.phase === 'ended') return [];
    const endpoint = podEndpoint(pod, address, number, service.publishNotReadyAddresses);
    return [{ ...endpoint, protocol }];
  });
}

/** `evenUnready`: the service wants pods before they are ready. Nobody says what it speaks. */
export function podEndpoint(
  pod: Pod,
  address: string,
  port: number,
  evenUnready: boolean,
): Endpoint {
  return {
    id: `${resourceKey(pod.namespace, pod.name)}:${port}`,
    address,
    port,
    weight: 1,
    ready: evenUnready || (pod.ready && !pod.terminating),
    terminating: pod.terminating,
    meshed: meshedAt(pod, port),
    zone: '',
    owner: ownerOf(pod),
    protocol: Protocol.PROTOCOL_UNSPECIFIED,
  };
}

/** Whether the pod's sidecar is in front of the port: some it leaves alone, one is its own. */
function meshedAt({ meshed, ports, skippedInbound }: Pod, port: number): boolean {
  if (!meshed || hasPort(skippedInbound, port)) return false;
  return ports.find((one) => one.name === ADMIN_PORT_NAME)?.port !== port;
}

/** The labels of a pod that telemetry carries. */
export const ownerOf = (pod: Pod): Owner => ({
  namespace: pod.namespace,
  pod: pod.name,
  workloadKind: pod.workloadKind,
  workload: pod.workload,
});
