/** One address that serves, and what this thread knows of it. */
import type { UpstreamSession } from './exchange.ts';

/** The labels of the pod behind an endpoint; empty where there is none. */
export interface Owner {
  readonly namespace: string;
  readonly pod: string;
  /** "deployment", "statefulset" …; "pod" without an owner. */
  readonly workloadKind: string;
  readonly workload: string;
}

/** The owner of an address that is no pod. */
export const NO_OWNER: Owner = { namespace: '', pod: '', workloadKind: '', workload: '' };

/** An endpoint as discovery describes it; weight, zone and meshed are not used for picking yet. */
export interface EndpointResource {
  /** Stable for the life of the pod and port. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly meshed: boolean;
  readonly owner: Owner;
}

/** An endpoint's state on one thread; it survives new versions of its destination. */
export class Endpoint {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  owner: Owner;
  /** Attempts under way. */
  pending = 0;
  /** Idle connections, the most recently used last. */
  readonly idle: UpstreamSession[] = [];
  /** Destinations that name this endpoint; at 0 its idle connections are closed. */
  references = 0;
  /** Why the last dial failed; undefined since one succeeded. */
  lastDialError: string | undefined = undefined;
  /** Dialling it would reach a listener of this proxy. */
  loops = false;

  constructor(resource: EndpointResource) {
    this.id = resource.id;
    this.host = resource.host;
    this.port = resource.port;
    this.owner = resource.owner;
  }
}
