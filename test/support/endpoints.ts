/** Endpoints for tests. */
import { Endpoint, type EndpointResource, NO_OWNER } from '../../proxy/model/endpoint.ts';

/** An endpoint as discovery describes it: ready, in no pod, on port 80 of 10.0.0.1. */
export const endpointResource = (given: Partial<EndpointResource> = {}): EndpointResource => ({
  id: 'a',
  host: '10.0.0.1',
  port: 80,
  weight: 1,
  zone: '',
  ready: true,
  terminating: false,
  meshed: false,
  protocol: undefined,
  owner: NO_OWNER,
  ...given,
});

/** Endpoints that one destination names, by id. */
export const newEndpoints = (...ids: readonly string[]): Endpoint[] =>
  ids.map((id) => {
    const endpoint = new Endpoint(endpointResource({ id }));
    endpoint.references = 1;
    return endpoint;
  });
