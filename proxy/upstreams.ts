/** The upstream half of a stack: how what a connection asks for becomes a link to an endpoint. */
import { type TunnelDialParts, dialTunnel } from './attempt/tunnel-dial.ts';
import { p2cPicker } from './balance/p2c.ts';
import { Way } from './detect/way.ts';
import type { Direction } from './model/exchange.ts';
import { MeshError } from './model/mesh-error.ts';
import { Pool } from './pool/pool.ts';
import { RawLinks } from './pool/raw-links.ts';
import { compileDestination } from './route/compile.ts';
import type { DestinationsParts } from './route/destinations.ts';
import { EndpointTable } from './route/endpoints.ts';
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
export type Upstreams = { readonly pool: Pool; readonly rawLinks: RawLinks } & Pick<
  DestinationsParts,
  'compile' | 'dispose'
>;

/** What lies behind a listener that stands for something: connections to it may be of any kind. */
export function wayTo(
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
