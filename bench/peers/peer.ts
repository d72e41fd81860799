/**
 * What carries HTTP between the generator and the backends. A peer is a program that can do
 * that; an arm is one of its instances (or a chain of them) while it runs.
 *
 *   hops 1   generator ──> arm ──> backends
 *   hops 2   generator ──> outbound instance ──> an inbound instance a backend ──> backends
 */
import type { SocketAddress } from '../../base/settings.ts';
import type { ArmName } from '../model.ts';

/** A protocol in cleartext; `http2` is with prior knowledge (RFC 9113 section 3.3). */
export type Spoken = 'http1' | 'http2';

/** What an arm has to connect. */
export interface Topology {
  /** `inbound`: towards the one application behind it. `outbound`: balanced over all backends. */
  readonly direction: 'inbound' | 'outbound';
  readonly backends: readonly SocketAddress[];
  /** What the requests' Host says, as "web". */
  readonly authority: string;
  /** What the clients speak; absent: HTTP/1.1. */
  readonly protocol?: Spoken;
  /** What the backends speak; absent: the same as the clients. */
  readonly backendProtocol?: Spoken;
  /** With two hops, what is spoken between them; absent: the same as the clients. */
  readonly betweenProtocol?: Spoken;
  /** The backends are instances of the same peer: this is the first hop of two. */
  readonly chained?: true;
  /**
   * A server that speaks what the clients do, where the way without a proxy leads; absent: the
   * first backend.
   */
  readonly unproxied?: SocketAddress;
  /** Bytes are carried and not read: a TCP proxy, whatever the clients speak. */
  readonly opaque?: true;
  /** Threads, or worker processes, of each instance. */
  readonly threads: number;
  readonly hops: 1 | 2;
}

type Protocols = Pick<Topology, 'backendProtocol' | 'betweenProtocol' | 'hops' | 'protocol'>;

/** Whether the clients speak HTTP/2. */
export const takesHttp2 = ({ protocol }: Protocols): boolean => protocol === 'http2';

/** Whether some instance speaks HTTP/2 to the next one, or to the backends. */
export const sendsHttp2 = (topology: Protocols): boolean => {
  const { backendProtocol, betweenProtocol, hops, protocol } = topology;
  const between = hops === 2 && (betweenProtocol ?? protocol) === 'http2';
  return between || (backendProtocol ?? protocol) === 'http2';
};

/** A program that can be an arm. */
export interface Peer {
  readonly name: ArmName;
  /** One sentence: why it cannot run on this machine and what to do; undefined when it can. */
  missing(): string | undefined;
  /** It can carry bytes that it does not read; absent: HTTP only. */
  readonly carriesTcp?: true;
  /** One sentence: why it cannot carry `topology`; undefined when it can. */
  applies(topology: Topology): string | undefined;
  /** Its version; empty when it is missing. */
  version(): string;
  /**
   * Starts it on `cores`, a list as taskset reads it ("0", "0-1"), and resolves when it takes
   * connections. Rejects with what the program wrote when it does not.
   */
  start(topology: Topology, cores: string): Promise<Arm>;
}

/** One sentence: why `peer` is not an arm of `topology` on this machine; undefined when it is. */
export function whyNot(peer: Peer, topology: Topology): string | undefined {
  const missing = peer.missing();
  if (missing !== undefined) return missing;
  if (topology.opaque === true && peer.carriesTcp !== true) return 'is configured for HTTP only.';
  return peer.applies(topology);
}

/** A running instance, or a chain of them. */
export interface Arm {
  readonly name: ArmName;
  /** Where requests are sent. */
  readonly address: SocketAddress;
  /**
   * Every process of it, workers and their masters: what a pod would pay for. Empty without a
   * proxy.
   */
  readonly pids: readonly number[];
  /** From spawn to ready, milliseconds; of a chain the slowest instance's. 0 without a process. */
  readonly readyMs: number;
  /** Admin addresses of our sidecars, the one that takes the requests first; none of others. */
  readonly admins: readonly SocketAddress[];
  /** Ends its processes and removes its files; safe to call twice. */
  readonly stop: () => Promise<void>;
}
