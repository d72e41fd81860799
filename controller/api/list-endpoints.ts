/** ListEndpoints: what the controller tells proxies of one authority, as they would ask for it. */
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Endpoint } from '../../api/gen/culvert/proxy/v1/control.ts';
import type {
  EndpointSummary,
  ListEndpointsRequest,
  ListEndpointsResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { destinationSubject } from '../discovery/catalog.ts';
import { resolveTarget } from '../discovery/resolve.ts';
import { show } from '../resources/fields.ts';
import { hostAddress, hostPort } from '../resources/ip-address.ts';
import type { Mesh } from '../state.ts';
import type { InvalidRequest } from './stat-question.ts';
import type { MissingResource } from './stat-summary.ts';

/** What a name is asked with that has no port that is known. */
const SOME_PORT = 80;

/** Answers the request, or says what is wrong with it, or that nothing has that name. */
export function listEndpoints(
  { authority, namespace }: ListEndpointsRequest,
  mesh: Mesh,
): ListEndpointsResponse | InvalidRequest | MissingResource {
  const asked = readAuthority(authority);
  if (asked === undefined) {
    return { invalid: `${show(authority)} is no authority: it is HOST or HOST:PORT` };
  }
  const port = asked.port ?? onlyPort(mesh, asked.host, namespace);
  if (port === undefined) {
    const reason = whyNone(mesh, asked.host, namespace);
    if (reason !== undefined) return { missing: missing(asked.host, reason) };
    return { invalid: `say a port of ${asked.host}, as ${asked.host}:80` };
  }
  const target = { originalDst: '', authority: asked.host, port };
  const compiled = destinationSubject(target, namespace).compile(mesh);
  if (compiled?.$case === 'noSuchService') {
    return { missing: missing(asked.host, compiled.value.reason) };
  }
  if (compiled?.$case !== 'destination') return { missing: `nothing is known of ${authority}` };
  const { value } = compiled;
  return {
    authority: value.authority,
    service: value.service,
    namespace: value.namespace,
    port: value.port,
    endpoints: value.endpoints.map(summary),
  };
}

/** Connections are intercepted by address; a name that is none is a request's alone. */
const missing = (host: string, reason: string): string =>
  hostAddress(host) === undefined ? reason : `${reason}: connections go on to it as they are`;

/** Undefined when the text is no HOST or HOST:PORT; IPv6 hosts are in brackets. */
function readAuthority(text: string): { host: string; port: number | undefined } | undefined {
  const match = /^(\[[^\]]+\]|[^:\s/]+)(?::(\d{1,5}))?$/.exec(text);
  const [, host, port] = match ?? [];
  if (host === undefined) return undefined;
  return { host, port: port === undefined ? undefined : Number(port) };
}

/** The port of the service that `host` names, where it has one; else undefined. */
function onlyPort(mesh: Mesh, host: string, namespace: string): number | undefined {
  for (const service of mesh.services.values()) {
    const [first, ...others] = service.ports;
    if (first === undefined) continue;
    const target = { originalDst: '', authority: host, port: first.port };
    const resolution = resolveTarget(mesh, target, namespace);
    if (resolution.kind !== 'service' || resolution.service !== service) continue;
    return others.length === 0 ? first.port : undefined;
  }
  return undefined;
}

/** Why `host` means nothing on any port; undefined when it is a pod, or a service with several. */
function whyNone(mesh: Mesh, host: string, namespace: string): string | undefined {
  const reasonAt = (port: number): string | undefined => {
    const resolution = resolveTarget(mesh, { originalDst: '', authority: host, port }, namespace);
    return resolution.kind === 'none' ? resolution.reason : undefined;
  };
  const ports = [...mesh.services.values()].flatMap((service) => service.ports);
  const known = new Set(ports.map(({ port }) => port));
  const isSomething = [...known].some((port) => reasonAt(port) === undefined);
  return isSomething ? undefined : reasonAt(SOME_PORT);
}

function summary(endpoint: Endpoint): EndpointSummary {
  const { address, meshed, owner, port, protocol, ready, terminating, zone } = endpoint;
  return {
    address: hostPort(address, port),
    ready: ready && !terminating,
    terminating,
    meshed,
    protocol: nameOf(protocol),
    namespace: owner?.namespace ?? '',
    pod: owner?.pod ?? '',
    workloadKind: owner?.workloadKind ?? '',
    workload: owner?.workload ?? '',
    zone,
  };
}

/** "http2" of PROTOCOL_HTTP2; empty when nobody says. */
function nameOf(protocol: Protocol): string {
  if (protocol === Protocol.PROTOCOL_UNSPECIFIED) return '';
  const found = Object.entries(Protocol).find(([, value]) => value === protocol);
  return found === undefined ? '' : found[0].replace('PROTOCOL_', '').toLowerCase();
}
