/** The resources the mesh reads, as immutable values: only what the controller uses of each. */
import type { RouteMatch } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { PortDeclaration } from './declared-protocol.ts';
import type { PodDeclarations } from './port-annotations.ts';

/** Kinds that own pods and have nothing else the controller reads. */
export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'] as const;

/** What owns pods. */
export interface Workload {
  readonly kind: (typeof WORKLOAD_KINDS)[number];
  readonly namespace: string;
  readonly name: string;
}

/** A Pod (v1) with its status. */
export interface Pod extends PodDeclarations {
  readonly kind: 'Pod';
  readonly namespace: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** All pod addresses in canonical form, the primary one first; empty until it has one. */
  readonly addresses: readonly string[];
  readonly ports: readonly ContainerPort[];
  /** Its addresses are its node's: other pods have them too, and what else runs there. */
  readonly hostNetwork: boolean;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly phase: PodPhase;
  /** The pod has a sidecar of this mesh. */
  readonly meshed: boolean;
  /** Lower-case kind, as telemetry labels carry it; "pod" and its own name without an owner. */
  readonly workloadKind: string;
  readonly workload: string;
}

/** Where a pod is in its life. */
export type PodPhase = 'pending' | 'running' | 'ended';

/** A TCP port that a container says it listens on. */
export interface ContainerPort {
  readonly name: string | undefined;
  readonly port: number;
}

/** A Service (v1). */
export interface Service {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  /** Empty: endpoints come from EndpointSlices alone. */
  readonly selector: ReadonlyMap<string, string>;
  /** TCP ports only. */
  readonly ports: readonly ServicePort[];
  /** Canonical form; empty for a headless service. */
  readonly clusterAddresses: readonly string[];
  readonly headless: boolean;
  readonly externalName: string | undefined;
  readonly publishNotReadyAddresses: boolean;
  /** What HTTP/1.1 requests ride on between sidecars; undefined when the service does not say. */
  readonly http1Transport: 'http1' | 'http2' | undefined;
  /** What its annotations declare of its ports. */
  readonly declared: readonly PortDeclaration[];
}

/** An IPAddress (networking.k8s.io/v1): to which Service an address was given. */
export interface IpAddress {
  readonly kind: 'IPAddress';
  /** It has none, and stands in "default". */
  readonly namespace: string;
  /** The address, in canonical form. */
  readonly name: string;
  /** "namespace/name"; undefined when it was given to something else. */
  readonly service: string | undefined;
}

/** A TCP port of a service. */
export interface ServicePort {
  /** Empty when the service has one port without a name. */
  readonly name: string;
  readonly port: number;
  /** A number, or the name of a container port. */
  readonly targetPort: number | string;
  /** What is spoken on it, in words of Kubernetes or of whoever made them. */
  readonly appProtocol: string | undefined;
}

/** Some of the endpoints of a service. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly namespace: string;
  readonly name: string;
  /** Of the same namespace; undefined when the slice belongs to none. */
  readonly service: string | undefined;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** A port that every endpoint of a slice has. */
export interface SlicePort {
  readonly name: string;
  /** Undefined means every port. */
  readonly port: number | undefined;
  readonly appProtocol: string | undefined;
}

/** One endpoint of a slice: an address that serves. */
export interface SliceEndpoint {
  readonly address: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** "namespace/name" of the pod, when the slice names it. */
  readonly pod: string | undefined;
  readonly zone: string;
}

/** An HTTPRoute attached to services. */
export interface HttpRoute {
  readonly kind: 'HTTPRoute';
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since 1970; Infinity when the resource does not say. */
  readonly createdAtMs: number;
  /** Services the route is attached to; parents of other kinds are left out. */
  readonly parents: readonly RouteParent[];
  readonly rules: readonly HttpRouteRule[];
}

/** A service, or one port of it, that a route is attached to. */
export interface RouteParent {
  readonly namespace: string;
  readonly service: string;
  /** Undefined means every port of the service. */
  readonly port: number | undefined;
}

/** One rule of a route. */
export interface HttpRouteRule {
  readonly name: string;
  /** Any of them matches; empty matches every request. */
  readonly matches: readonly RouteMatch[];
}

/** All that the mesh is made of. */
export type Resource = Workload | Pod | Service | IpAddress | EndpointSlice | HttpRoute;

/** "namespace/name", the key of a resource among its kind. */
export const resourceKey = (namespace: string, name: string): string => `${namespace}/${name}`;

/** "Kind namespace/name", unique among all resources. */
export const identityOf = (resource: Resource): string =>
  `${resource.kind} ${resource.namespace}/${resource.name}`;
