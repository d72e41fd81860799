/** From what a connection or request asked for to the Service or Pod that it means. */
import type { Target } from '../../api/gen/culvert/proxy/v1/control.ts';
import { parseSocketAddress } from '../../base/settings.ts';
import { declaresPort, podAt } from '../addresses.ts';
import { show } from '../resources/fields.ts';
import { hostAddress } from '../resources/ip-address.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Pod, Service, ServicePort } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { leadsToAddress, leadsToPod } from './leads.ts';

/** The domain below which services have their names. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** Longest DNS name. */
const AUTHORITY_LENGTH_MAX = 253;

/** What a target means, or why it means nothing the mesh knows. */
export type Resolution =
  | { readonly kind: 'service'; readonly service: Service; readonly port: ServicePort }
  /** One pod dialled at its own address: a client of a headless service does that. */
  | { readonly kind: 'pod'; readonly pod: Pod; readonly address: string; readonly port: number }
  /** An address that no pod has and that a Service leads to all the same: its slices name it. */
  | { readonly kind: 'address'; readonly address: string; readonly port: number }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * With an original destination the address selects, else the authority does; short names are
 * looked up in `namespace`, the proxy's own. Never throws, whatever the target holds.
 */
export function resolveTarget(mesh: Mesh, target: Target, namespace: string): Resolution {
  if (target.originalDst !== '') {
    const destination = parseSocketAddress(target.originalDst);
    if (destination === undefined) {
      return none(`original destination ${show(target.originalDst)} is not ADDRESS:PORT`);
    }
    return resolveHost(mesh, destination.host, destination.port, namespace);
  }
  return resolveHost(mesh, target.authority, target.port, namespace);
}

function resolveHost(mesh: Mesh, host: string, port: number, namespace: string): Resolution {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return none(`${port} is not a port`);
  if (host === '') return none('the target names neither an address nor an authority');
  const address = hostAddress(host);
  return address === undefined
    ? resolveName(mesh, host, port, namespace)
    : resolveAddress(mesh, address, port);
}

function resolveAddress(mesh: Mesh, address: string, port: number): Resolution {
  const service = mesh.serviceByAddress.get(address);
  if (service !== undefined) return resolvePort(service, port);
  const hasPort = (pod: Pod): boolean => declaresPort(pod, port) || leadsToPod(mesh, pod).has(port);
  const pod = podAt(mesh, address, hasPort);
  if (pod !== undefined) return { kind: 'pod', pod, address, port };
  if (leadsToAddress(mesh, address).has(port)) return { kind: 'address', address, port };
  if (mesh.hostPodsByAddress.has(address)) {
    return none(`${address} is a node's address, and no single Pod there has port ${port}`);
  }
  return none(`no Service and no Pod has the address ${address}`);
}

function resolveName(mesh: Mesh, authority: string, port: number, namespace: string): Resolution {
  const name = authority.endsWith('.') ? authority.slice(0, -1) : authority;
  if (name.length > AUTHORITY_LENGTH_MAX) {
    return none(`the authority is ${name.length} characters long, a name has at most 253`);
  }
  const place = serviceOfName(name.toLowerCase(), namespace);
  if (place === undefined) return none(`${show(authority)} is not the name of a Service`);
  const service = mesh.services.get(resourceKey(place.namespace, place.name));
  if (service === undefined) {
    return none(`no Service "${place.name}" in namespace "${place.namespace}"`);
  }
  return resolvePort(service, port);
}

/** `name`, `name.ns`, `name.ns.svc`, `name.ns.svc.cluster.local`. */
function serviceOfName(
  name: string,
  namespace: string,
): { readonly name: string; readonly namespace: string } | undefined {
  const suffix = `.svc.${CLUSTER_DOMAIN}`;
  const short = name.endsWith(suffix)
    ? name.slice(0, -suffix.length)
    : name.endsWith('.svc')
      ? name.slice(0, -'.svc'.length)
      : undefined;
  const labels = (short ?? name).split('.');
  const [service, given] = labels;
  if (service === undefined || service === '' || given === '' || labels.length > 2)
    return undefined;
  // "name.svc" is no form that resolvers know.
  if (short !== undefined && given === undefined) return undefined;
  return { name: service, namespace: given ?? namespace };
}

function resolvePort(service: Service, port: number): Resolution {
  const where = `Service "${service.name}" in namespace "${service.namespace}"`;
  if (service.externalName !== undefined) {
    return none(`${where} is another name for ${show(service.externalName)}`);
  }
  const found = service.ports.find((one) => one.port === port);
  if (found !== undefined) return { kind: 'service', service, port: found };
  if (service.ports.length === 0 && service.headless) {
    const asked = { name: '', port, targetPort: port, appProtocol: undefined };
    return { kind: 'service', service, port: asked };
  }
  const known = service.ports.map((one) => one.port).join(', ');
  return none(`${where} has no port ${port}, it has ${known === '' ? 'none' : known}`);
}

/** "web.demo.svc.cluster.local:8080", the name telemetry and proxies use for a service and port. */
export const canonicalAuthority = (service: Service, port: number): string =>
  `${service.name}.${service.namespace}.svc.${CLUSTER_DOMAIN}:${port}`;

const none = (reason: string): Resolution => ({ kind: 'none', reason });
