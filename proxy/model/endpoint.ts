/** One address that serves, and what this thread knows of it. */
import type { SocketAddress } from '../../base/settings.ts';
import type { Protocol, UpstreamStream } from './exchange.ts';
import { RecentPeak } from './recent-peak.ts';

const PEAK_PERIOD_MS = 60_000;

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

/** An address to dial, and what it speaks where that is said. */
export interface UpstreamAddress extends SocketAddress {
  readonly protocol?: Protocol | undefined;
  /** A sidecar of this mesh listens there. */
  readonly meshed?: boolean | undefined;
}

/** An endpoint as discovery describes it; weight and zone are not used for picking yet. */
export interface EndpointResource {
  /** Stable for the life of the pod and port. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** A sidecar of this mesh listens there. */
  readonly meshed: boolean;
  /** What it speaks; undefined when nobody says: each request goes on as it came. */
  readonly protocol: Protocol | undefined;
  readonly owner: Owner;
  /** No service's: dialled as its client would have (docs/interception.md). */
  readonly outside?: boolean | undefined;
}

/** Where the streams of an endpoint's HTTP/2 connections come from. */
export interface StreamSource {
  /** A stream of a connection that has room for one, be it to become a tunnel. */
  take(tunnels?: boolean): UpstreamStream | undefined;
}

/** An endpoint's state on one thread; it survives new versions of its destination. */
export class Endpoint {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  owner: Owner;
  protocol: Protocol | undefined;
  meshed: boolean;
  /** Attempts under way. */
  pending = 0;
  /** Idle HTTP/1 connections, the most recently used last. */
  readonly idle: UpstreamStream[] = [];
  /** Attempts at a time lately: as many HTTP/1 connections are kept in use. */
  readonly peak = new RecentPeak(PEAK_PERIOD_MS);
  /** Its HTTP/2 connections; undefined until one was wanted. */
  http2: StreamSource | undefined = undefined;
  /** Destinations that name this endpoint; at 0 its idle connections are closed. */
  references = 0;
  /** Why the last dial failed; undefined since one succeeded. */
  lastDialError: string | undefined = undefined;
  /** When the first of the dials failed that have failed since one succeeded, by the clock of timers. */
  failingSinceMs: number | undefined = undefined;
  /** A dial has succeeded, at any time. */
  reached = false;
  /** Dialling it would reach a listener of this proxy. */
  loops = false;
  /** Dialling it reaches the proxy's own application, past any sidecar. */
  own = false;
  /** No service's: dialled as its client would have. */
  readonly outside: boolean;

  constructor(resource: EndpointResource) {
    this.id = resource.id;
    this.host = resource.host;
    this.port = resource.port;
    this.owner = resource.owner;
    this.protocol = resource.protocol;
    this.meshed = resource.meshed;
    this.outside = resource.outside === true;
  }

  /** A dial came to nothing. */
  dialFailed(sentence: string, nowMs: number): void {
    this.lastDialError = sentence;
    this.failingSinceMs ??= nowMs;
  }

  /** A dial succeeded. */
  dialled(): void {
    this.reached = true;
    this.lastDialError = undefined;
    this.failingSinceMs = undefined;
  }
}
