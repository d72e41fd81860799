/** From the messages of the control stream to the nouns of the data path. */
import type {
  Destination,
  Owner as OwnerMessage,
  PathMatch,
  RouteMatch as RouteMatchMessage,
  ValueMatch as ValueMatchMessage,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import type {
  DestinationResource,
  PathMatchKind,
  RouteMatch,
  ValueMatch,
} from '../model/destination.ts';
import { NO_OWNER, type Owner } from '../model/endpoint.ts';
import type { Protocol as ProtocolName } from '../model/exchange.ts';

/** PathMatchType of the proto by number: reading its object would load grpc-js. */
const PATH_KINDS: Readonly<Record<number, PathMatchKind>> = { 1: 'exact', 2: 'prefix', 3: 'regex' };

/** Protocol of the proto by number; one this proxy does not know is as none. */
const PROTOCOLS: Readonly<Record<number, ProtocolName>> = { 1: 'http1', 2: 'http2' };

/** The labels of a pod; none where the message has none. */
export function readOwner(owner: OwnerMessage | undefined): Owner {
  if (owner === undefined) return NO_OWNER;
  const { namespace, pod, workload, workloadKind } = owner;
  return { namespace, pod, workload, workloadKind };
}

/** A destination; values are checked where it is compiled. */
export function readDestination(message: Destination): DestinationResource {
  const { authority, service, namespace, port, endpoints, http1Transport, routes } = message;
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
