/**
 * START HERE. The whole data path of one thread, as it is put together.
 *
 *   link ─> accept ─> session (server) ─> exchange ─> resolve ─> route ─> pick ─> pool
 *                                            ^                                     │
 *   link <─ session (server) <───────────────┴─────────── session (client) <── link┘
 *
 * Inbound and outbound are the same chain. They differ in how an exchange is resolved: inbound,
 * the application behind the listener; outbound, what the listener stands for or the request
 * names. Each stage calls the next one; the answer walks back through the same objects.
 */
import type { Rng } from '../base/rng.ts';
import type { SocketAddress } from '../base/settings.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import { Downstreams } from './accept/downstreams.ts';
import { Exchange, type ExchangeParts } from './attempt/exchange.ts';
import { p2cPicker } from './balance/p2c.ts';
import type { Destination, Target } from './model/destination.ts';
import { NO_OWNER } from './model/endpoint.ts';
import type { Direction } from './model/exchange.ts';
import type { Head } from './model/head.ts';
import { MeshError } from './model/mesh-error.ts';
import type { Observe } from './model/observation.ts';
import type { SharedCounts } from './observe/shared-counts.ts';
import { Pool } from './pool/pool.ts';
import { compileDestination } from './route/compile.ts';
import { Destinations, type DestinationsParts } from './route/destinations.ts';
import { EndpointTable } from './route/endpoints.ts';
import { NO_ROUTES } from './route/names.ts';
import { parseAuthority } from './route/target.ts';
import type { Transport } from './transport/link.ts';

/** What a thread gives its stack. */
export interface StackParts {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly nowUs: () => number;
  readonly rng: Rng;
  readonly dialFrom: string | undefined;
  readonly counts: SharedCounts;
  readonly observe: Observe;
  readonly isOwnListener: (direction: Direction, host: string, port: number) => boolean;
  readonly refusedLink: () => void;
  /** A side has no downstream connection left. */
  readonly emptied: () => void;
}

/** Connections to the application behind one inbound listener. */
export function inboundStack(parts: StackParts, application: SocketAddress): Downstreams {
  const { pool, endpoints } = upstreams(parts, 'inbound');
  const { host, port } = application;
  const authority = `${host}:${port}`;
  const only = { weight: 1, zone: '', ready: true, terminating: false, meshed: false };
  const endpoint = endpoints.acquire({ id: authority, host, port, owner: NO_OWNER, ...only });
  const destination: Destination = {
    authority,
    service: '',
    namespace: '',
    port,
    picker: p2cPicker([endpoint], parts.rng),
    routes: NO_ROUTES,
    endpoints: [endpoint],
    readyCount: 1,
  };
  return downstreams(parts, 'inbound', pool, {
    resolve: () => destination,
    whenResolved: (_head, tell) => tell(destination),
  });
}

/** The outbound side: what its listeners stand for or their requests name, from discovery. */
export class OutboundStack {
  readonly destinations: Destinations;
  readonly #parts: StackParts;
  readonly #pool: Pool;

  constructor(
    parts: StackParts,
    discovery: Pick<DestinationsParts, 'subscribe' | 'unsubscribe' | 'fallback'>,
  ) {
    const { pool, endpoints } = upstreams(parts, 'outbound');
    this.#parts = parts;
    this.#pool = pool;
    this.destinations = new Destinations({
      ...discovery,
      wheel: parts.wheel,
      nowUs: parts.nowUs,
      compile: (resource, learned) =>
        compileDestination(resource, learned, endpoints, (ready) => p2cPicker(ready, parts.rng)),
      dispose: ({ endpoints: released }) => released.forEach((one) => endpoints.release(one)),
    });
  }

  /** Connections of a listener; it stands for `fixed`, or its requests name their target. */
  downstreams(fixed: Target | undefined): Downstreams {
    const targetOf = (head: Head): Target | undefined => fixed ?? parseAuthority(head.authority());
    return downstreams(this.#parts, 'outbound', this.#pool, {
      resolve: (head) => {
        const target = targetOf(head);
        return target === undefined
          ? NO_AUTHORITY
          : this.destinations.find(target, fixed === undefined);
      },
      whenResolved: (head, tell) => {
        const target = targetOf(head);
        if (target !== undefined) this.destinations.whenFound(target, tell);
      },
    });
  }
}

/** Upstream connections of one side, and the endpoints they lead to. */
function upstreams(
  parts: StackParts,
  direction: Direction,
): { pool: Pool; endpoints: EndpointTable } {
  const { transport, wheel, dialFrom, counts } = parts;
  const pool = new Pool({ transport, wheel, dialFrom, counts: counts.links(direction, 'dst') });
  const endpoints = new EndpointTable({
    forgotten: (endpoint) => pool.forget(endpoint),
    isOwnListener: (host, port) => parts.isOwnListener(direction, host, port),
  });
  return { pool, endpoints };
}

/** Downstream connections of one side: sessions whose requests become exchanges. */
function downstreams(
  parts: StackParts,
  direction: Direction,
  pool: Pool,
  resolution: Pick<ExchangeParts, 'resolve' | 'whenResolved'>,
): Downstreams {
  const free: Exchange[] = [];
  const failed = (error: MeshError): void => parts.counts.addError(direction, error.code);
  const exchangeParts: ExchangeParts = {
    ...resolution,
    direction,
    nowUs: parts.nowUs,
    take: (endpoint) => pool.take(endpoint),
    dial: (endpoint, waiter) => pool.dial(endpoint, waiter),
    putBack: (session) => pool.putBack(session),
    observe: parts.observe,
    failed,
  };
  const recycle = (exchange: Exchange): void => void free.push(exchange);
  return new Downstreams({
    wheel: parts.wheel,
    refusedLink: parts.refusedLink,
    emptied: parts.emptied,
    side: {
      wheel: parts.wheel,
      local: direction === 'outbound',
      refused: failed,
      open: (downstream, head, body) => {
        const exchange = free.pop() ?? new Exchange(exchangeParts, recycle);
        exchange.open(downstream, head, body);
        return exchange;
      },
    },
  });
}

const NO_AUTHORITY = new MeshError('no-such-service', 'proxy', 'The request names no service.');
