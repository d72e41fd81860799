/** One version of a destination, ready to be read on the request path. */
import type { Destination, DestinationResource, Picker } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { EndpointTable } from './endpoints.ts';
import type { LearnedRoutes } from './learn.ts';
import { NO_ROUTES, compileRouteNames } from './names.ts';

/** Makes the picker of one version's ready endpoints. */
export type NewPicker = (ready: readonly Endpoint[]) => Picker;

/** Throws with the reason when the resource cannot be used; then nothing was acquired. */
export function compileDestination(
  resource: DestinationResource,
  learned: LearnedRoutes,
  table: EndpointTable,
  newPicker: NewPicker,
): Destination {
  for (const { host, port } of resource.endpoints) {
    const usable = host !== '' && Number.isInteger(port) && port > 0 && port < 65_536;
    if (!usable) throw new Error(`${resource.authority}: "${host}:${port}" is no endpoint address`);
  }
  // Whatever its addresses are asked for is of no interest, and there is no end of addresses.
  const routes =
    resource.outside === true ? NO_ROUTES : compileRouteNames(resource.routes, learned);
  // Who names an address means what is there, for as long as that serves: nothing may stand in for it.
  const meant = resource.service === '';
  const ready: Endpoint[] = [];
  const endpoints = resource.endpoints.map((described) => {
    const endpoint = table.acquire(described);
    if (meant || (described.ready && !described.terminating)) ready.push(endpoint);
    return endpoint;
  });
  const { authority, declared, fixed, http1Transport, namespace, outside, port, service } =
    resource;
  const picker = newPicker(ready);
  const ending = fixed === true && resource.endpoints.every(({ terminating }) => terminating);
  return {
    authority,
    service,
    namespace,
    port,
    picker,
    routes,
    endpoints,
    readyCount: ready.length,
    http1Transport,
    declared,
    outside,
    fixed,
    ending,
  };
}
