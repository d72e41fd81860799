/** What the main thread and a data thread say to each other. It crosses threads. */
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../../base/log.ts';
import type { SocketAddress } from '../../base/settings.ts';
import type { DestinationResource, Target } from './destination.ts';
import type { UpstreamAddress } from './endpoint.ts';
import type { Direction, PortProtocol, Protocol } from './exchange.ts';
import type { PodPorts } from './port-declarations.ts';
import type { ProfileRequest } from './profile.ts';
import type { SeriesRecord } from './series-labels.ts';
import type { ThreadState } from './thread-state.ts';

/** Version of a resource: the controller's epoch, and a counter within it. */
export interface ResourceVersion {
  readonly epoch: number;
  readonly counter: number;
}

/** An address to listen on. */
export interface ListenAddress extends SocketAddress {
  /**
   * A descriptor of this process that is bound to it: threads that listen on copies of one share
   * its accept queue. Undefined: the thread binds the address itself.
   */
  readonly descriptor?: number | undefined;
  /** Of `::`: it leaves IPv4 to another listener; else it takes both families. */
  readonly ipv6Only?: boolean | undefined;
}

/** One way in to the application. */
export interface InboundListener {
  readonly listen: ListenAddress;
  /** Where the application listens. */
  readonly forward: UpstreamAddress;
  /** What is spoken there, before what the controller tells of the port. */
  readonly declared?: PortProtocol | undefined;
}

/** A listener that stands for an original destination. */
export interface WayOut {
  readonly listen: ListenAddress;
  readonly target: Target;
}

/** A destination given on the command line (stand-alone). */
export interface StaticDestination {
  readonly target: Target;
  /** The authority named no port: it serves them all. */
  readonly anyPort: boolean;
  readonly endpoints: readonly UpstreamAddress[];
  /** What is spoken there; undefined: the proxy detects it. */
  readonly declared?: PortProtocol | undefined;
}

/** Everything a data thread is told at its start. */
export interface ThreadConfig {
  /** Its number, from 0. */
  readonly thread: number;
  readonly inbound: readonly InboundListener[];
  readonly outbound: readonly ListenAddress[];
  readonly wayOut: readonly WayOut[];
  /** Listeners of connections that the kernel redirects, from and to the application. */
  readonly interceptOutbound: readonly ListenAddress[];
  readonly interceptInbound: readonly ListenAddress[];
  /** What the application is spoken to in where its connections are redirected; undefined: as each came. */
  readonly interceptProtocol: Protocol | undefined;
  readonly destinations: readonly StaticDestination[];
  /** A control plane answers for destinations that are not known. */
  readonly controlled: boolean;
  /** Names that are no service are looked up in DNS. */
  readonly dns: boolean;
  /** What HTTP/1.1 requests ride on to meshed endpoints of services that do not say it. */
  readonly http1Transport: Protocol;
  /** What the controller has told of the pod's ports; undefined: nothing yet, or nobody does. */
  readonly podPorts?: PodPorts | undefined;
  readonly dialFrom: string | undefined;
  readonly drainQuietMs: number;
  readonly logLevel: LogLevel;
  readonly seed: number;
  /** Limits and timeouts by name (limits.ts). */
  readonly limits: Readonly<Record<string, number>>;
  /** Link counts and gauges of all threads, observe/shared-counts.ts. */
  readonly counts: SharedArrayBuffer;
  /** This thread's garbage collections, observe/gc-counts.ts. */
  readonly gc: SharedArrayBuffer;
  /** Connections that threads pass to each other, accept/neighbours.ts. */
  readonly neighbours: SharedArrayBuffer;
}

/** The addresses the thread listens on, in the order of the configuration. */
export interface BoundListeners {
  readonly inbound: readonly SocketAddress[];
  readonly outbound: readonly SocketAddress[];
  readonly wayOut: readonly SocketAddress[];
  readonly interceptOutbound: readonly SocketAddress[];
  readonly interceptInbound: readonly SocketAddress[];
}

/** What discovery says of a target. */
export type Resource =
  | { readonly kind: 'destination'; readonly destination: DestinationResource }
  | {
      readonly kind: 'no-such-service';
      readonly reason: string;
      /** What is spoken at the original destination all the same; undefined: the proxy detects it. */
      readonly declared?: PortProtocol | undefined;
    };

/** From the main thread. */
export type ToThread =
  | {
      readonly type: 'resource';
      readonly key: string;
      readonly version: ResourceVersion;
      readonly resource: Resource;
    }
  /** What is declared of the pod's ports has changed. */
  | { readonly type: 'pod-ports'; readonly ports: PodPorts }
  /** A connection that another thread accepted. */
  | { readonly type: 'take'; readonly listener: string; readonly socket: Socket }
  | { readonly type: 'log-level'; readonly level: LogLevel }
  /** Say what you hold: 'described' follows. */
  | { readonly type: 'describe'; readonly question: number }
  /** Profile yourself, and answer on the port. */
  | { readonly type: 'profile'; readonly request: ProfileRequest; readonly port: MessagePort }
  /** There is no traffic now. */
  | { readonly type: 'collect-garbage' }
  /** Say goodbye on each connection; 'inbound-closed' and 'drained' follow. */
  | { readonly type: 'drain' }
  /** Past the drain deadline: answer 503 to what is left, close, and end the task. */
  | { readonly type: 'stop' };

/** From a data thread. */
export type FromThread =
  | { readonly type: 'ready'; readonly listeners: BoundListeners }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'subscribe'; readonly key: string; readonly target: Target }
  | { readonly type: 'unsubscribe'; readonly key: string }
  | {
      readonly type: 'applied';
      readonly key: string;
      readonly version: ResourceVersion;
      /** Why the version is not in force; undefined when it is. */
      readonly error: string | undefined;
    }
  | ({ readonly type: 'series' } & SeriesRecord)
  | { readonly type: 'series-removed'; readonly ids: readonly number[] }
  | { readonly type: 'described'; readonly question: number; readonly state: ThreadState }
  /** What goes wrong, now and then: the last of so many times since it was told before. */
  | {
      readonly type: 'failing';
      readonly direction: Direction;
      readonly code: string;
      readonly sentence: string;
      readonly times: number;
    }
  /** An accepted connection for another thread; nobody has read of it. */
  | {
      readonly type: 'pass';
      readonly to: number;
      /** "host:port" of the listener it came to. */
      readonly listener: string;
      readonly socket: Socket;
    }
  /** Draining, and no inbound listener is open any more. */
  | { readonly type: 'inbound-closed' }
  /** Draining, and no downstream connection is left; or, one has come since. */
  | { readonly type: 'drained'; readonly drained: boolean };
