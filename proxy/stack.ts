/**
 * START HERE. The whole data path of one thread, as it is put together.
 *
 *   link ─> accept ─> detect ─> session (server) ─> exchange ─> resolve ─> route ─> pick ─> pool
 *                       │                              ^                                     │
 *   link <─ session (server) <─────────────────────────┴─────────── session (client) <── link┘
 *                       └─ not HTTP ─> resolve ─> pick ─> dial ─> tunnel <─> link
 *
 * Each stage calls the next one; the answer walks back. Of the two sides, inbound goes to the
 * application behind the listener, outbound to what the listener stands for or the request names.
 */
import { formatSocketAddress } from '../base/settings.ts';
import { type Begin, Downstreams } from './accept/downstreams.ts';
import type { ExchangeParts } from './attempt/exchange-parts.ts';
import { exchangesOf } from './attempt/exchanges.ts';
import { detect } from './detect/detector.ts';
import type { Way } from './detect/way.ts';
import type { Destination, Target } from './model/destination.ts';
import type { UpstreamAddress } from './model/endpoint.ts';
import type { Direction } from './model/exchange.ts';
import type { Head } from './model/head.ts';
import type { MeshError } from './model/mesh-error.ts';
import { dialRawStream } from './pool/raw-stream.ts';
import { Destinations, type DestinationsParts } from './route/destinations.ts';
import { LearnedRoutes } from './route/learn.ts';
import { NO_ROUTES } from './route/names.ts';
import { NO_AUTHORITY, Targets } from './route/target.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import type { StackParts } from './stack-parts.ts';
import { type Upstreams, upstreams, wayTo } from './upstreams.ts';

/** Connections to the application behind one inbound listener. */
export function inboundStack(parts: StackParts, application: UpstreamAddress): Downstreams {
  const { pool, rawLinks, compile } = upstreams(parts, 'inbound');
  const name = formatSocketAddress(application);
  const resource = unlabelledDestination(name, '', application.port, [application]);
  const destination: Destination = { ...compile(resource, new LearnedRoutes()), routes: NO_ROUTES };
  const failed = (direction: Direction, error: MeshError): void => {
    parts.failed(direction, error);
    if (error.code === 'upstream-refused') side.upstreamRefuses();
  };
  const resolution: Resolution = {
    // The application may be a proxy itself: what it is asked for is its own.
    connects: false,
    resolve: () => destination,
    whenResolved: (_head, tell) => tell(destination),
  };
  const way = wayTo(parts, 'inbound', application.port, {
    connect: (endpoint, waiter) => rawLinks.connect(endpoint, waiter),
    resolve: () => destination,
    whenResolved: (tell) => tell(destination),
    nowMs: () => parts.wheel.nowMs,
  });
  // The application may be about to end: what it waits for must not be us.
  const closed = (): void => {
    pool.stopKeeping();
    parts.listenersClosed?.();
  };
  const upstream = { pool, rawLinks };
  const side = downstreams({ ...parts, failed }, 'inbound', upstream, resolution, way, closed);
  return side;
}

/** The outbound side: what its listeners stand for or their requests name, from discovery. */
export class OutboundStack {
  readonly destinations: Destinations;
  readonly #parts: StackParts;
  readonly #upstream: Pick<Upstreams, 'pool' | 'rawLinks'>;
  readonly #targets = new Targets();

  constructor(
    parts: StackParts,
    discovery: Pick<DestinationsParts, 'subscribe' | 'unsubscribe' | 'fallback'>,
  ) {
    const { pool, rawLinks, compile, dispose } = upstreams(parts, 'outbound');
    this.#parts = parts;
    this.#upstream = { pool, rawLinks };
    const { nowUs, wheel } = parts;
    this.destinations = new Destinations({ ...discovery, wheel, nowUs, compile, dispose });
  }

  /** Connections of a listener; it stands for `fixed`, or its requests name their target. */
  downstreams(fixed: Target | undefined): Downstreams {
    const targetOf = (head: Head): Target | undefined => fixed ?? this.#targets.ofRequest(head);
    const explicit = fixed === undefined;
    const resolution: Resolution = {
      connects: explicit,
      // HOT: per exchange.
      resolve: (head) => {
        const target = targetOf(head);
        return target === undefined ? NO_AUTHORITY : this.destinations.find(target, explicit);
      },
      whenResolved: (head, tell) => {
        const target = targetOf(head);
        if (target !== undefined) this.destinations.whenFound(target, tell);
      },
    };
    const way = fixed === undefined ? undefined : this.#wayTo(fixed);
    return downstreams(this.#parts, 'outbound', this.#upstream, resolution, way);
  }

  #wayTo(target: Target): Way {
    return wayTo(this.#parts, 'outbound', target.port, {
      connect: (endpoint, waiter) => this.#upstream.rawLinks.connect(endpoint, waiter),
      resolve: () => this.destinations.find(target, false),
      whenResolved: (tell) => this.destinations.whenFound(target, tell),
      nowMs: () => this.#parts.wheel.nowMs,
    });
  }
}

type Resolution = Pick<ExchangeParts, 'connects' | 'resolve' | 'whenResolved'>;

/** Downstream connections of one side: sessions whose requests become exchanges. */
function downstreams(
  parts: StackParts,
  direction: Direction,
  { pool, rawLinks }: Pick<Upstreams, 'pool' | 'rawLinks'>,
  resolution: Resolution,
  way: Way | undefined,
  listenersClosed?: () => void,
): Downstreams {
  const { wheel, nowUs, downstreamLinks: links, quotas, refusedLink, emptied } = parts;
  const failed = (error: MeshError): void => parts.failed(direction, error);
  const open = exchangesOf({
    ...resolution,
    direction,
    nowUs,
    wheel,
    take: (endpoint, protocol) =>
      protocol === 'opaque' ? undefined : pool.take(endpoint, protocol),
    dial: (endpoint, protocol, waiter) =>
      protocol === 'opaque'
        ? dialRawStream(rawLinks, wheel, endpoint, waiter)
        : pool.dial(endpoint, protocol, waiter),
    putBack: (stream) => pool.putBack(stream),
    observe: parts.observe,
    failed,
  });
  const limitHit = parts.limitHit.bind(undefined, direction);
  const side = { wheel, local: direction === 'outbound', refused: failed, limitHit, open };
  const begin: Begin = (of, link, decided) => detect(of, way, link, decided);
  const upstreamStreams = (): number => pool.http2Streams;
  const served = { begin, side, listenersClosed, upstreamStreams };
  return new Downstreams({ ...served, wheel, links, quotas, refusedLink, emptied });
}
