/**
 * What proxies are told of one target: the Service that it means, or the one address, or that the
 * mesh knows neither, and then what is known of the port all the same.
 */
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import type {
  Destination,
  Endpoint,
  Target,
  Update,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import { parseSocketAddress } from '../../base/settings.ts';
import { hostPort } from '../resources/ip-address.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Service } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import { declaredAtAddress, declaredAtPod, declaredToCallers } from './declared-ports.ts';
import { endpointsOf, podEndpoint } from './endpoints.ts';
import { agreed, leadsToAddress, leadsToPod } from './leads.ts';
import type { Lead } from './leads.ts';
import { canonicalAuthority, resolveTarget } from './resolve.ts';
import type { Resolution } from './resolve.ts';
import { routesOf } from './routes.ts';

/** The content of an update. */
export type UpdateResource = NonNullable<Update['resource']>;

/** What a proxy in `namespace` is told of the target. */
export function compileDestination(mesh: Mesh, target: Target, namespace: string): UpdateResource {
  const resolution = resolveTarget(mesh, target, namespace);
  switch (resolution.kind) {
    case 'none': {
      const declared = declaredOutside(mesh, target.originalDst);
      return { $case: 'noSuchService', value: { reason: resolution.reason, declared } };
    }
    case 'service':
      return { $case: 'destination', value: serviceDestination(mesh, resolution, namespace) };
    case 'pod':
      return { $case: 'destination', value: podDestination(mesh, resolution) };
    default:
      return { $case: 'destination', value: addressDestination(mesh, resolution) };
  }
}

/** Of an address that is nobody's. Of a name nothing: who knows what it is looked up to. */
function declaredOutside(mesh: Mesh, originalDst: string): Protocol {
  const address = originalDst === '' ? undefined : parseSocketAddress(originalDst);
  if (address === undefined) return Protocol.PROTOCOL_UNSPECIFIED;
  return declaredAtAddress(mesh, address.host, address.port);
}

type ResolutionOf<Kind> = Extract<Resolution, { readonly kind: Kind }>;

function serviceDestination(
  mesh: Mesh,
  { service, port }: ResolutionOf<'service'>,
  namespace: string,
): Destination {
  const endpoints = endpointsOf(mesh, service, port);
  return {
    authority: canonicalAuthority(service, port.port),
    service: service.name,
    namespace: service.namespace,
    port: port.port,
    endpoints,
    routes: routesOf(mesh, service, port.port, namespace),
    http1Transport: endpoints.some((endpoint) => tunnelsAll(mesh, endpoint))
      ? Protocol.PROTOCOL_HTTP1
      : http1TransportOf(service),
    declared: declaredToCallers(mesh, service, port),
  };
}

/**
 * As the Services that lead to the port have it: an endpoint is one thing to a proxy, however the
 * proxy came to know of it.
 */
function podDestination(mesh: Mesh, resolution: ResolutionOf<'pod'>): Destination {
  const { pod, address, port } = resolution;
  const leads = leadsToPod(mesh, pod).get(port) ?? [];
  const endpoint = {
    // Who dials a pod means that pod, ready or not.
    ...podEndpoint(pod, address, port, true),
    protocol: protocolOf(leads),
    zone: leads.find((lead) => lead.endpoint.zone !== '')?.endpoint.zone ?? '',
  };
  const declared = declaredAtPod(mesh, pod, port);
  const destination = oneEndpoint(endpoint, pod.namespace, leads, declared);
  if (declared !== Protocol.PROTOCOL_OPAQUE) return destination;
  return { ...destination, http1Transport: Protocol.PROTOCOL_HTTP1 };
}

function addressDestination(mesh: Mesh, { address, port }: ResolutionOf<'address'>): Destination {
  const leads = leadsToAddress(mesh, address).get(port) ?? [];
  const [lead] = leads;
  if (lead === undefined) throw new Error(`no Service leads to ${hostPort(address, port)}`);
  const endpoint = { ...lead.endpoint, ready: true, protocol: protocolOf(leads) };
  return oneEndpoint(
    endpoint,
    lead.service.namespace,
    leads,
    declaredAtAddress(mesh, address, port),
  );
}

function oneEndpoint(
  endpoint: Endpoint,
  namespace: string,
  leads: readonly Lead[],
  declared: Protocol,
): Destination {
  return {
    authority: hostPort(endpoint.address, endpoint.port),
    service: '',
    namespace,
    port: endpoint.port,
    endpoints: [endpoint],
    routes: [],
    http1Transport: saidByAll(leads.map(({ service }) => http1TransportOf(service))),
    declared,
  };
}

const protocolOf = (leads: readonly Lead[]): Protocol =>
  saidByAll(leads.map(({ endpoint }) => endpoint.protocol));

/** What all say that say something; unspecified when they differ. */
function saidByAll(protocols: readonly Protocol[]): Protocol {
  const said = protocols.filter((one) => one !== Protocol.PROTOCOL_UNSPECIFIED);
  return agreed(said) ?? Protocol.PROTOCOL_UNSPECIFIED;
}

function http1TransportOf({ http1Transport }: Service): Protocol {
  if (http1Transport === 'http1') return Protocol.PROTOCOL_HTTP1;
  return http1Transport === 'http2' ? Protocol.PROTOCOL_HTTP2 : Protocol.PROTOCOL_UNSPECIFIED;
}

/**
 * Whether the sidecar at the endpoint reads nothing of what comes: then HTTP/1.1 must not ride HTTP/2
 * to it, as that would reach the application. Said even where the Service says nothing: the setting
 * of the caller's sidecar may.
 */
function tunnelsAll(mesh: Mesh, { owner, port }: Endpoint): boolean {
  const pod = owner && mesh.pods.get(resourceKey(owner.namespace, owner.pod));
  if (pod?.meshed !== true) return false;
  return declaredAtPod(mesh, pod, port) === Protocol.PROTOCOL_OPAQUE;
}
