/** The upstream half of a stack: how what a connection asks for becomes exchanges, and links to endpoints. */
import type { ExchangeParts } from './attempt/exchange-parts.ts';
import { exchangesOf } from './attempt/exchanges.ts';
import { type TunnelDialParts, dialTunnel } from './attempt/tunnel-dial.ts';
import { p2cPicker } from './balance/p2c.ts';
import { Way } from './detect/way.ts';
import type { Destination } from './model/destination.ts';
import type { Direction } from './model/exchange.ts';
import { MeshError } from './model/mesh-error.ts';
import { Pool } from './pool/pool.ts';
import { RawLinks } from './pool/raw-links.ts';
import { dialRawStream } from './pool/raw-stream.ts';
import { compileDestination } from './route/compile.ts';
import type { DestinationsParts } from './route/destinations.ts';
import { EndpointTable } from './route/endpoints.ts';
import type { ServerSide } from './session/server-session.ts';
import type { StackParts } from './stack-parts.ts';

/** Upstream connections of one side, and how destinations find the endpoints they lead to. */
export function upstreams(parts: StackParts, direction: Direction): Upstreams {
  const { transport, wheel, dialFrom, rng } = parts;
  const counts = parts.counts.links(direction, 'dst');
  const quota = parts.quotas.upstream;
  const limitHit = parts.limitHit.bind(undefined, direction);
  const dials = { transport, wheel, dialFrom, counts, quota };
  const pool = new Pool({ ...dials, limitHit });
  const endpoints = new EndpointTable({
    forgotten: (endpoint) => pool.forget(endpoint),
    isOwnListener: (host, port) => parts.isOwnListener(direction, host, port),
    isOwnApplication: parts.isPodAddress,
  });
  return {
    pool,
    rawLinks: new RawLinks(dials),
    compile: (resource, learned) =>
      compileDestination(resource, learned, endpoints, (ready) => p2cPicker(ready, rng)),
    dispose: ({ endpoints: released }) => released.forEach((one) => endpoints.release(one)),
  };
}

/** Where links of one side come from. */
export interface UpstreamLinks {
  readonly pool: Pool;
  readonly rawLinks: RawLinks;
}

/** The application may be about to end when inbound closes: what it waits for must not be us. */
export const inboundClosed =
  ({ listenersClosed }: StackParts, { pool }: UpstreamLinks) =>
  (): void => {
    pool.stopKeeping();
    listenersClosed?.();
  };

/** And how destinations find the endpoints they lead to. */
export type Upstreams = UpstreamLinks & Pick<DestinationsParts, 'compile' | 'dispose'>;

/** How connections go on that want one thing, whatever they speak. */
export interface Course {
  readonly side: Pick<ServerSide, 'open' | 'refused'>;
  /** Undefined: only HTTP says where it wants to go. */
  readonly way: Way | undefined;
}

/** How requests find their destination: see ExchangeParts. */
export type Resolution = Pick<ExchangeParts, 'connects' | 'resolve' | 'whenResolved'>;

/** The course of connections that want one thing, at `port`; their requests need not say it. */
export function courseOf(
  parts: StackParts,
  direction: Direction,
  links: UpstreamLinks,
  port: number,
  { resolve, whenResolved }: Pick<TunnelDialParts, 'resolve' | 'whenResolved'>,
): Course {
  const side = exchanges(parts, direction, links, {
    // Who is there may be a proxy itself: what it is asked for is its own.
    connects: false,
    resolve,
    whenResolved: (_head, tell) => whenResolved(tell),
  });
  const way = wayTo(parts, direction, port, {
    connect: (endpoint, waiter) => links.rawLinks.connect(endpoint, waiter),
    resolve,
    whenResolved,
    nowMs: () => parts.wheel.nowMs,
  });
  return { side, way };
}

/** Exchanges over `links`, for sessions of one course. */
export function exchanges(
  parts: StackParts,
  direction: Direction,
  { pool, rawLinks }: UpstreamLinks,
  resolution: Resolution,
): Course['side'] {
  const { wheel, nowUs, observe } = parts;
  const failed = (error: MeshError): void => parts.failed(direction, error);
  const open = exchangesOf({
    ...resolution,
    direction,
    nowUs,
    wheel,
    take: (endpoint, protocol, tunnels) =>
      protocol === 'opaque' ? undefined : pool.take(endpoint, protocol, tunnels),
    dial: (endpoint, protocol, waiter) =>
      protocol === 'opaque'
        ? dialRawStream(rawLinks, wheel, endpoint, waiter)
        : pool.dial(endpoint, protocol, waiter),
    putBack: (stream) => pool.putBack(stream),
    observe,
    failed,
  });
  return { open, refused: failed };
}

/** What lies behind a listener that stands for something: connections to it may be of any kind. */
function wayTo(
  { counts, fineWheel, nowUs, ports }: StackParts,
  direction: Direction,
  port: number,
  dial: TunnelDialParts,
): Way {
  const found = (): Destination | undefined => {
    const resolved = dial.resolve();
    return resolved instanceof MeshError ? undefined : resolved;
  };
  const counter = counts.detectionCounter(
    direction,
    port,
    () => found()?.endpoints.some(({ reached }) => reached) === true,
  );
  return new Way({
    fineWheel,
    nowUs,
    declared: () => {
      const declared = ports[direction].declared(port);
      if (declared !== undefined) return declared;
      const resolved = dial.resolve();
      if (resolved === undefined) return 'unknown';
      return resolved instanceof MeshError ? undefined : resolved.declared;
    },
    whenDeclared: (tell) => dial.whenResolved(tell),
    outside: () => found()?.outside === true,
    connect: (waiter) => dialTunnel(dial, waiter),
    detected: (result, tookUs, timedOut) => counter.add(result, tookUs, timedOut),
  });
}
