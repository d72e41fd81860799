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
import { agreed, leadsToAddress, leadsToPod } from './leads.ts';
import type { Lead } from './leads.ts';

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

/** What a connection is to an address that no pod has, be it known to a Service or to nobody. */
export function declaredAtAddress(mesh: Mesh, address: string, port: number): Protocol {
  const said = saidByLeads(mesh, leadsToAddress(mesh, address).get(port) ?? []);
  const fallback = hasPort(mesh.defaultOpaquePorts, port) ? 'opaque' : undefined;
  return connectionProtocol(said ?? fallback);
}

/** Of the pod's own ports, the first that has a port counts. */
export function inboundPorts(mesh: Mesh, pod: Pod): PortDeclaration[] {
  const saidByServices = [...leadsToPod(mesh, pod)]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([port, leads]) => {
      const protocol = saidByLeads(mesh, leads);
      return protocol === undefined ? [] : [{ first: port, last: port, protocol }];
    });
  return [
    ...toMessages(pod.declaredInbound),
    ...toMessages(saidByServices),
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

/** Where two Services say different things of one port, it is as if none had said anything. */
function saidByLeads(mesh: Mesh, leads: readonly Lead[]): DeclaredProtocol | undefined {
  const said = leads.map(({ service, servicePort }) => declaredOf(mesh, service, servicePort));
  return agreed(said.filter((one) => one !== undefined));
}
