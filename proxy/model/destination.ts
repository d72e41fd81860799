/** Where a request goes: what discovery says of a service, and its compiled form on a thread. */
import type { Endpoint, EndpointResource } from './endpoint.ts';
import type { PortProtocol, Protocol } from './exchange.ts';
import type { Head } from './head.ts';

/** What a connection or request asked for (architecture, decision 5). */
export interface Target {
  /** "address:port" the application dialled, when the connection was redirected. */
  readonly originalDst: string | undefined;
  /** Host without port, lower case; undefined when unknown. */
  readonly authority: string | undefined;
  readonly port: number;
}

/** How a path match reads its value (Gateway API HTTPPathMatch). */
export type PathMatchKind = 'exact' | 'prefix' | 'regex';

/** A header or query parameter and the value it must have. */
export interface ValueMatch {
  readonly name: string;
  readonly value: string;
  readonly regex: boolean;
}

/** All parts that are present must match (Gateway API HTTPRouteMatch). */
export interface RouteMatch {
  readonly method: string | undefined;
  readonly path: { readonly kind: PathMatchKind; readonly value: string } | undefined;
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
}

/** One HTTPRoute rule. */
export interface RouteRule {
  /** Empty when the rule has no name. */
  readonly name: string;
  /** Any of them; none matches every request. */
  readonly matches: readonly RouteMatch[];
}

/** A service as discovery describes it: one version, immutable. */
export interface DestinationResource {
  /** "web.demo.svc.cluster.local:8080". */
  readonly authority: string;
  readonly service: string;
  readonly namespace: string;
  readonly port: number;
  readonly endpoints: readonly EndpointResource[];
  readonly routes: readonly RouteRule[];
  /** What HTTP/1.1 requests ride on to endpoints that are meshed; undefined: the service says nothing. */
  readonly http1Transport?: Protocol | undefined;
  /** What is spoken there (port-declarations.ts); undefined: the proxy detects it. */
  readonly declared?: PortProtocol | undefined;
  /** An address that is no service's: connections go on to it as if there were no proxy. */
  readonly outside?: boolean | undefined;
  /** One pod, dialled at its own address: no other may serve in its place. */
  readonly fixed?: boolean | undefined;
}

/** Chooses among the ready endpoints of one version of a destination. */
export interface Picker {
  /** An endpoint that is not among `tried`; undefined when there is none. */
  pick(tried: readonly Endpoint[]): Endpoint | undefined;
}

/** Names the routes of a destination's requests. */
export interface RouteNames {
  /** Declared name, known learned name, or the name the request would teach. */
  nameOf(head: Head): string;
  /** The name to count under, once the answer is known: `teaches` unless 404 or UNIMPLEMENTED. */
  settle(name: string, teaches: boolean): string;
}

/** A destination compiled for one thread. */
export interface Destination {
  readonly authority: string;
  readonly service: string;
  readonly namespace: string;
  readonly port: number;
  readonly picker: Picker;
  readonly routes: RouteNames;
  /** All endpoints of this version, ready or not. */
  readonly endpoints: readonly Endpoint[];
  readonly readyCount: number;
  /** When `readyCount` came to be 0, and has been since; by the clock of timers. */
  noneReadySinceMs?: number | undefined;
  /** What HTTP/1.1 requests ride on to endpoints that are meshed: undefined is HTTP/1.1. */
  readonly http1Transport?: Protocol | undefined;
  /** What is spoken there (port-declarations.ts); undefined: the proxy detects it. */
  readonly declared?: PortProtocol | undefined;
  /** An address that is no service's: connections go on to it as if there were no proxy. */
  readonly outside?: boolean | undefined;
  /** One pod, dialled at its own address: no other may serve in its place. */
  readonly fixed?: boolean | undefined;
  /** Fixed, and about to end: it serves on, and who keeps a connection to it should not. */
  readonly ending?: boolean | undefined;
}
