/**
 * What carries HTTP between the generator and the backends. A peer is a program that can do
 * that; an arm is one of its instances (or a chain of them) while it runs.
 *
 *   hops 1   generator ──> arm ──> backends
 *   hops 2   generator ──> outbound instance ──> an inbound instance a backend ──> backends
 */
import type { SocketAddress } from '../../base/settings.ts';
import type { ArmName } from '../model.ts';

/** What an arm has to connect. */
export interface Topology {
  /** `inbound`: towards the one application behind it. `outbound`: balanced over all backends. */
  readonly direction: 'inbound' | 'outbound';
  readonly backends: readonly SocketAddress[];
  /** What the requests' Host says, as "web". */
  readonly authority: string;
  /** Spoken on both sides; absent: HTTP/1.1. `http2` is cleartext with prior knowledge. */
  readonly protocol?: 'http1' | 'http2';
  /** Threads, or worker processes, of each instance. */
  readonly threads: number;
  readonly hops: 1 | 2;
}

/** Whether `topology` carries HTTP/2. */
export const isHttp2 = ({ protocol }: Pick<Topology, 'protocol'>): boolean => protocol === 'http2';

/** A program that can be an arm. */
export interface Peer {
  readonly name: ArmName;
  /** One sentence: why it cannot run on this machine and what to do; undefined when it can. */
  missing(): string | undefined;
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
