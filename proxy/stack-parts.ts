/** What a data thread and its sides share; `worker.ts` gives it. */
import type { Rng } from '../base/rng.ts';
import type { SocketAddress } from '../base/settings.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { Direction } from './model/exchange.ts';
import type { Http2Limit } from './model/http2-limit.ts';
import type { MeshError } from './model/mesh-error.ts';
import type { Observe } from './model/observation.ts';
import type { DeclaredPorts } from './model/port-declarations.ts';
import type { SharedCounts } from './observe/shared-counts.ts';
import type { ThreadQuotas } from './transport/link-quota.ts';
import type { Peer, Transport } from './transport/link.ts';

/** What a thread gives its stack. */
export interface StackParts {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  /** With ticks of a few milliseconds. */
  readonly fineWheel: TimerWheel;
  readonly nowUs: () => number;
  readonly rng: Rng;
  readonly dialFrom: string | undefined;
  readonly counts: Pick<SharedCounts, 'links' | 'detectionCounter'>;
  readonly observe: Observe;
  readonly isOwnListener: (direction: Direction, host: string, port: number) => boolean;
  /**
   * Whether an address is the pod's own: what is dialled there is the application, and only what goes
   * there may come in. Undefined where no connection is redirected to this proxy.
   */
  readonly isPodAddress?: ((host: string) => boolean) | undefined;
  /** Whether a connection that was going to `to` is one that this proxy dialled itself. */
  readonly isOwnDial?: ((peer: Peer, to: SocketAddress | undefined) => boolean) | undefined;
  readonly failed: (direction: Direction, error: MeshError) => void;
  readonly limitHit: (direction: Direction, limit: Http2Limit) => void;
  /** Downstream connections of the process, without those being refused. */
  readonly downstreamLinks: () => number;
  readonly quotas: ThreadQuotas;
  /** What is declared of the ports of each side's connections, before what a destination says. */
  readonly ports: Readonly<Record<Direction, DeclaredPorts>>;
  readonly refusedLink: () => void;
  /** A side has no downstream connection left. */
  readonly emptied: () => void;
  /** An inbound side has no open listener left; connections may be. */
  readonly listenersClosed?: (() => void) | undefined;
}
