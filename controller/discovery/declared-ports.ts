/**
 * What is declared of ports: to those who dial a Service, and to a pod of its own ports. First what
 * somebody said, then the default list of opaque ports; what is left the proxies detect.
 *
 *   dialled port of a Service:  its annotations > appProtocol > the port's name > default list
 *   own port of a pod:          its annotations > what all Services say that lead there > default list
 */
import { hasPort } from '../../base/port-list.ts';
import type { PortDeclaration } from '../../api/gen/culvert/proxy/v1/control.ts';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { DeclaredProtocol } from '../resources/declared-protocol.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Pod, Service, ServicePort } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { connectionProtocol, saidOfPort } from './app-protocol.ts';
import { endpointsOf } from './endpoints.ts';

/** What a connection to a Service's port is. */
export const declaredToCallers = (mesh: Mesh, service: Service, port: ServicePort): Protocol =>
  connectionProtocol(declaredOf(mesh, service, port));

function declaredOf(mesh: Mesh, service: Service, port: ServicePort): DeclaredProtocol | undefined {
  const appProtocol = port.appProtocol ?? slicesAppProtocol(mesh, service, port);
  const said = saidOfPort(service, port, appProtocol);
  if (said !== undefined) return said;
  const { defaultOpaquePorts } = mesh;
  const { port: own, targetPort } = port;
  const behind = typeof targetPort === 'number' && hasPort(defaultOpaquePorts, targetPort);
  return behind || hasPort(defaultOpaquePorts, own) ? 'opaque' : undefined;
}

/** Of a Service that does not say it, but whose slices somebody wrote who does. */
function slicesAppProtocol(mesh: Mesh, service: Service, port: ServicePort): string | undefined {
  const slices = mesh.slicesOfService.get(resourceKey(service.namespace, service.name)) ?? [];
  const ports = slices.flatMap((slice) => slice.ports.filter(({ name }) => name === port.name));
  return ports.find(({ appProtocol }) => appProtocol !== undefined)?.appProtocol;
}

/** What a connection is that comes to the pod. */
export function declaredAtPod(mesh: Mesh, pod: Pod, port: number): Protocol {
  const found = inboundPorts(mesh, pod).find(({ first, last }) => first <= port && port <= last);
  return found?.protocol ?? Protocol.PROTOCOL_UNSPECIFIED;
}

/** Of the pod's own ports, the first that has a port counts. */
export function inboundPorts(mesh: Mesh, pod: Pod): PortDeclaration[] {
  const fromServices = servicePortsOf(mesh).get(resourceKey(pod.namespace, pod.name)) ?? [];
  return [
    ...toMessages(pod.declaredInbound),
    ...toMessages(
      [...fromServices]
        .filter((entry): entry is [number, DeclaredProtocol] => entry[1] !== CONTRADICTED)
        .toSorted(([a], [b]) => a - b)
        .map(([port, protocol]) => ({ first: port, last: port, protocol })),
    ),
    ...toMessages(mesh.defaultOpaquePorts.map((range) => ({ ...range, protocol: 'opaque' }))),
  ];
}

/** Of the ports that the pod dials. */
export const outboundPorts = (pod: Pod): PortDeclaration[] => toMessages(pod.declaredOutbound);

const toMessages = (declarations: Pod['declaredInbound']): PortDeclaration[] =>
  declarations.map(({ first, last, protocol }) => ({
    first,
    last,
    protocol: connectionProtocol(protocol),
  }));

/** Two Services say different things of one port: as if none had said anything. */
const CONTRADICTED = 'contradicted';

/** By container port. */
type PortsOfPod = Map<number, DeclaredProtocol | typeof CONTRADICTED>;

/** By pod; made once for all pods of a mesh that ask. */
const servicePortsOfMesh = new WeakMap<Mesh, ReadonlyMap<string, PortsOfPod>>();

function servicePortsOf(mesh: Mesh): ReadonlyMap<string, PortsOfPod> {
  const known = servicePortsOfMesh.get(mesh);
  if (known !== undefined) return known;
  const pods = new Map<string, PortsOfPod>();
  for (const service of mesh.services.values()) {
    for (const port of service.ports) {
      const declared = declaredOf(mesh, service, port);
      if (declared !== undefined) addToPods(pods, mesh, service, port, declared);
    }
  }
  servicePortsOfMesh.set(mesh, pods);
  return pods;
}

function addToPods(
  pods: Map<string, PortsOfPod>,
  mesh: Mesh,
  service: Service,
  port: ServicePort,
  declared: DeclaredProtocol,
): void {
  for (const { owner, port: number } of endpointsOf(mesh, service, port)) {
    // An address that is no pod has nobody to tell.
    if (owner === undefined) continue;
    const key = resourceKey(owner.namespace, owner.pod);
    const ports: PortsOfPod = pods.get(key) ?? new Map();
    pods.set(key, ports);
    const before = ports.get(number);
    ports.set(number, before === undefined || before === declared ? declared : CONTRADICTED);
  }
}
