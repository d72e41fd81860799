/** A destination for the cases: one endpoint, learned routes. */
import { p2cPicker } from '../../proxy/balance/p2c.ts';
import { Rng } from '../../base/rng.ts';
import type { Destination, DestinationResource } from '../../proxy/model/destination.ts';
import { Endpoint, type EndpointResource, NO_OWNER } from '../../proxy/model/endpoint.ts';
import { LearnedRoutes } from '../../proxy/route/learn.ts';
import { compileRouteNames } from '../../proxy/route/names.ts';

const found = (port: number): EndpointResource => ({
  id: `127.0.0.1:${port}`,
  host: '127.0.0.1',
  port,
  weight: 1,
  zone: '',
  ready: true,
  terminating: false,
  meshed: false,
  protocol: undefined,
  owner: NO_OWNER,
});

/** What the requests of messages.ts ask for. */
export const TARGET = {
  originalDst: undefined,
  authority: 'web.demo.svc.cluster.local',
  port: 8080,
};

/** What discovery says of it. */
export const RESOURCE: DestinationResource = {
  authority: 'web.demo.svc.cluster.local:8080',
  service: 'web',
  namespace: 'demo',
  port: 8080,
  endpoints: [found(8000)],
  routes: [],
};

/** An endpoint on loopback. */
export const endpointAt = (port: number): Endpoint => new Endpoint(found(port));

/** RESOURCE, compiled. */
export function destination(): Destination {
  const endpoint = endpointAt(8000);
  return {
    ...RESOURCE,
    picker: p2cPicker([endpoint], new Rng(1)),
    routes: compileRouteNames([], new LearnedRoutes()),
    endpoints: [endpoint],
    readyCount: 1,
  };
}
