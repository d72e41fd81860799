/** What exchanges of one side are made of. */
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Direction, PortProtocol, UpstreamStream } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Observe } from '../model/observation.ts';

/** Waits for a stream: hears exactly one of the two, unless it left before. */
export interface DialWaiter {
  /** The stream is to become a tunnel. */
  readonly tunnels: boolean;
  dialled(stream: UpstreamStream): void;
  dialFailed(error: MeshError): void;
}

/** A place among those that wait. */
export interface Waiting {
  /** The waiter hears nothing any more. */
  leave(): void;
  /** Its client may be gone: nothing is waited for as long as the system likes any more. */
  hurry(): void;
}

/** `stack.ts` puts it together. */
export interface ExchangeParts {
  readonly direction: Direction;
  /** CONNECT is this proxy's to serve, with a raw connection; else it goes on like any request. */
  readonly connects: boolean;
  readonly nowUs: () => number;
  readonly wheel: TimerWheel;
  /** The destination, why there is none, or undefined: then `whenResolved` tells. */
  readonly resolve: (head: Head) => Destination | MeshError | undefined;
  readonly whenResolved: (head: Head, tell: (found: Destination | MeshError) => void) => void;
  /** A stream that may be used at once, or undefined: then `dial` sees to one. */
  readonly take: (
    endpoint: Endpoint,
    protocol: PortProtocol,
    tunnels: boolean,
  ) => UpstreamStream | undefined;
  /** Undefined where there is nothing to leave: nobody waits, or what comes is put back. */
  readonly dial: (
    endpoint: Endpoint,
    protocol: PortProtocol,
    waiter: DialWaiter,
  ) => Waiting | undefined;
  /** A stream nobody waits for any more. */
  readonly putBack: (stream: UpstreamStream) => void;
  readonly observe: Observe;
  readonly failed: (error: MeshError) => void;
}
