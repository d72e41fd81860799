/** From the messages of the control stream to the nouns of the data path. */
import {
  type Destination,
  type Inbound,
  type NoSuchService,
  type Owner as OwnerMessage,
  type PathMatch,
  PathMatchType,
  type PortDeclaration as PortDeclarationMessage,
  Protocol,
  type RouteMatch as RouteMatchMessage,
  type ValueMatch as ValueMatchMessage,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import type {
  DestinationResource,
  PathMatchKind,
  RouteMatch,
  ValueMatch,
} from '../model/destination.ts';
import { NO_OWNER, type Owner } from '../model/endpoint.ts';
import type { PortProtocol, Protocol as ProtocolName } from '../model/exchange.ts';
import type { PodPorts, PortDeclaration } from '../model/port-declarations.ts';
import type { Resource } from '../model/thread.ts';

/** By PathMatchType of the proto. */
const PATH_KINDS: Readonly<Record<number, PathMatchKind>> = {
  [PathMatchType.PATH_MATCH_TYPE_EXACT]: 'exact',
  [PathMatchType.PATH_MATCH_TYPE_PATH_PREFIX]: 'prefix',
  [PathMatchType.PATH_MATCH_TYPE_REGULAR_EXPRESSION]: 'regex',
};

/** By Protocol of the proto; one this proxy does not know is as none. */
const PROTOCOLS: Readonly<Record<number, ProtocolName>> = {
  [Protocol.PROTOCOL_HTTP1]: 'http1',
  [Protocol.PROTOCOL_HTTP2]: 'http2',
};

/** The same of ports. */
const PORT_PROTOCOLS: Readonly<Record<number, PortProtocol>> = {
  ...PROTOCOLS,
  [Protocol.PROTOCOL_OPAQUE]: 'opaque',
};

/** What the controller tells of the proxy's own pod. */
export interface PodResource {
  readonly owner: Owner;
  readonly ports: PodPorts;
}

/** The labels of a pod; none where the message has none. */
export function readOwner(owner: OwnerMessage | undefined): Owner {
  if (owner === undefined) return NO_OWNER;
  const { namespace, pod, workload, workloadKind } = owner;
  return { namespace, pod, workload, workloadKind };
}

/** The proxy's own pod, or why it cannot be as the message says. */
export function readInbound(message: Inbound): PodResource | string {
  const declarations = [...message.ports, ...message.outboundPorts];
  const wrong = declarations.find(({ first, last }) => first < 1 || first > last || last > 65_535);
  if (wrong !== undefined) return `${wrong.first}-${wrong.last} are no ports`;
  const ports = {
    inbound: message.ports.map(readDeclaration),
    outbound: message.outboundPorts.map(readDeclaration),
  };
  return { owner: readOwner(message.owner), ports };
}

const readDeclaration = ({ first, last, protocol }: PortDeclarationMessage): PortDeclaration => ({
  first,
  last,
  protocol: PORT_PROTOCOLS[protocol],
});

/** That a target is no service, and what is known of its port all the same. */
export const readNoSuchService = ({ declared, reason }: NoSuchService): Resource => ({
  kind: 'no-such-service',
  reason,
  declared: PORT_PROTOCOLS[declared],
});

/** A destination; values are checked where it is compiled. */
export function readDestination(message: Destination): DestinationResource {
  const { authority, declared, service, namespace, port, endpoints, http1Transport, routes } =
    message;
  return {
    authority,
    service,
    namespace,
    port,
    endpoints: endpoints.map((endpoint) => ({
      id: endpoint.id,
      host: endpoint.address,
      port: endpoint.port,
      weight: endpoint.weight,
      zone: endpoint.zone,
      ready: endpoint.ready,
      terminating: endpoint.terminating,
      meshed: endpoint.meshed,
      protocol: PROTOCOLS[endpoint.protocol],
      owner: readOwner(endpoint.owner),
    })),
    routes: routes.map(({ name, matches }) => ({ name, matches: matches.map(readMatch) })),
    http1Transport: PROTOCOLS[http1Transport],
    declared: PORT_PROTOCOLS[declared],
  };
}

function readMatch({ method, path, headers, queryParams }: RouteMatchMessage): RouteMatch {
  return {
    method: method === '' ? undefined : method,
    path: path === undefined ? undefined : readPath(path),
    headers: headers.map(readValueMatch),
    queryParams: queryParams.map(readValueMatch),
  };
}

/** A kind this proxy does not know matches as a prefix of everything would be wrong: as exact. */
const readPath = ({ type, value }: PathMatch): { kind: PathMatchKind; value: string } => ({
  kind: PATH_KINDS[type] ?? 'exact',
  value,
});

const readValueMatch = ({ name, value, regularExpression }: ValueMatchMessage): ValueMatch => ({
  name,
  value,
  regex: regularExpression,
});
