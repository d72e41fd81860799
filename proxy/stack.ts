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
import type { Rng } from '../base/rng.ts';
import { formatSocketAddress } from '../base/settings.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import { type Begin, Downstreams } from './accept/downstreams.ts';
import type { ExchangeParts } from './attempt/exchange-parts.ts';
import { exchangesOf } from './attempt/exchanges.ts';
import { type TunnelDialParts, dialTunnel } from './attempt/tunnel-dial.ts';
import { p2cPicker } from './balance/p2c.ts';
import { detect } from './detect/detector.ts';
import { Way } from './detect/way.ts';
import type { Destination, Target } from './model/destination.ts';
import type { UpstreamAddress } from './model/endpoint.ts';
import type { Direction } from './model/exchange.ts';
import type { Head } from './model/head.ts';
import type { Http2Limit } from './model/http2-limit.ts';
import { MeshError } from './model/mesh-error.ts';
import type { Observe } from './model/observation.ts';
import type { DeclaredPorts } from './model/port-declarations.ts';
import type { SharedCounts } from './observe/shared-counts.ts';
import { Pool } from './pool/pool.ts';
import { RawLinks } from './pool/raw-links.ts';
import { compileDestination } from './route/compile.ts';
import { Destinations, type DestinationsParts } from './route/destinations.ts';
import { EndpointTable } from './route/endpoints.ts';
import { LearnedRoutes } from './route/learn.ts';
import { NO_ROUTES } from './route/names.ts';
import { NO_AUTHORITY, Targets } from './route/target.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import type { ThreadQuotas } from './transport/link-quota.ts';
import type { Transport } from './transport/link.ts';

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
}

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
  const closed = (): void => pool.stopKeeping();
  const side = downstreams({ ...parts, failed }, 'inbound', pool, resolution, way, closed);
  return side;
}

/** The outbound side: what its listeners stand for or their requests name, from discovery. */
export class OutboundStack {
  readonly destinations: Destinations;
  readonly #parts: StackParts;
  readonly #pool: Pool;
  readonly #rawLinks: RawLinks;
  readonly #targets = new Targets();

  constructor(
    parts: StackParts,
    discovery: Pick<DestinationsParts, 'subscribe' | 'unsubscribe' | 'fallback'>,
  ) {
    const { pool, rawLinks, compile, dispose } = upstreams(parts, 'outbound');
    this.#parts = parts;
    this.#pool = pool;
    this.#rawLinks = rawLinks;
    const { nowUs, wheel } = parts;
    this.destinations = new Destinations({ ...discovery, wheel, nowUs, compile, dispose });
  }

  /** Connections of a listener; it stands for `fixed`, or its requests name their target. */
  downstreams(fixed: Target | undefined): Downstreams {
    const targetOf = (head: Head): Target | undefined => fixed ?? this.#targets.ofRequest(head);
    const explicit = fixed === undefined;
    const resolution: Resolution = {
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
    return downstreams(this.#parts, 'outbound', this.#pool, resolution, way);
  }

  #wayTo(target: Target): Way {
    return wayTo(this.#parts, 'outbound', target.port, {
      connect: (endpoint, waiter) => this.#rawLinks.connect(endpoint, waiter),
      resolve: () => this.destinations.find(target, false),
      whenResolved: (tell) => this.destinations.whenFound(target, tell),
      nowMs: () => this.#parts.wheel.nowMs,
    });
  }
}

/** What lies behind a listener that stands for something: connections to it may be of any kind. */
function wayTo(
  { counts, fineWheel, nowUs, ports }: StackParts,
  direction: Direction,
  port: number,
  dial: TunnelDialParts,
): Way {
  const counter = counts.detectionCounter(direction, port);
  return new Way({
    fineWheel,
    nowUs,
    declared: () => {
      const declared = ports[direction].declared(port);
      if (declared !== undefined) return declared;
      const found = dial.resolve();
      if (found === undefined) return 'unknown';
      return found instanceof MeshError ? undefined : found.declared;
    },
    whenDeclared: (tell) => dial.whenResolved(tell),
    connect: (waiter) => dialTunnel(dial, waiter),
    detected: (result, tookUs, timedOut) => counter.add(result, tookUs, timedOut),
  });
}

/** Upstream connections of one side, and how destinations find the endpoints they lead to. */
function upstreams(parts: StackParts, direction: Direction): Upstreams {
  const { transport, wheel, dialFrom, rng } = parts;
  const counts = parts.counts.links(direction, 'dst');
  const quota = parts.quotas.upstream;
  const limitHit = parts.limitHit.bind(undefined, direction);
  const dials = { transport, wheel, dialFrom, counts, quota };
  const pool = new Pool({ ...dials, limitHit });
  const endpoints = new EndpointTable({
    forgotten: (endpoint) => pool.forget(endpoint),
    isOwnListener: (host, port) => parts.isOwnListener(direction, host, port),
  });
  return {
    pool,
    rawLinks: new RawLinks(dials),
    compile: (resource, learned) =>
      compileDestination(resource, learned, endpoints, (ready) => p2cPicker(ready, rng)),
    dispose: ({ endpoints: released }) => released.forEach((one) => endpoints.release(one)),
  };
}

type Upstreams = { readonly pool: Pool; readonly rawLinks: RawLinks } & Pick<
  DestinationsParts,
  'compile' | 'dispose'
>;

type Resolution = Pick<ExchangeParts, 'resolve' | 'whenResolved'>;

/** Downstream connections of one side: sessions whose requests become exchanges. */
function downstreams(
  parts: StackParts,
  direction: Direction,
  pool: Pool,
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
    take: (endpoint, protocol) => pool.take(endpoint, protocol),
    dial: (endpoint, protocol, waiter) => pool.dial(endpoint, protocol, waiter),
    putBack: (stream) => pool.putBack(stream),
    observe: parts.observe,
    failed,
  });
  const limitHit = parts.limitHit.bind(undefined, direction);
  const side = { wheel, local: direction === 'outbound', refused: failed, limitHit, open };
  const begin: Begin = (of, link, decided) => detect(of, way, link, decided);
  return new Downstreams({ wheel, begin, links, quotas, refusedLink, emptied, listenersClosed, side });
}
