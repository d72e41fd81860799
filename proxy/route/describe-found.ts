/** A destination as people read it: what is known of it, and the state of each of its endpoints. */
import { formatSocketAddress } from '../../base/settings.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { DestinationState, EndpointState } from '../model/thread-state.ts';

/** What is known of the target `key`, for people; `nowMs` by the clock of endpoints. */
export function describeFound(
  key: string,
  found: Destination | MeshError | undefined,
  nowMs: number,
): DestinationState {
  if (found === undefined || found instanceof MeshError) {
    const nothing = { authority: undefined, ready: 0, total: 0, noneReadyForMs: undefined };
    return { key, ...nothing, problem: found?.sentence, endpoints: [] };
  }
  const { authority, endpoints, noneReadySinceMs, readyCount } = found;
  return {
    key,
    authority,
    ready: readyCount,
    total: endpoints.length,
    noneReadyForMs: since(noneReadySinceMs, nowMs),
    problem: undefined,
    endpoints: endpoints.map((endpoint) => describeEndpoint(endpoint, nowMs)),
  };
}

function describeEndpoint(endpoint: Endpoint, nowMs: number): EndpointState {
  const { failingSinceMs, idle, lastDialError, pending } = endpoint;
  return {
    address: formatSocketAddress(endpoint),
    pending,
    idle: idle.length,
    lastDialError,
    failingForMs: since(failingSinceMs, nowMs),
  };
}

const since = (startMs: number | undefined, nowMs: number): number | undefined =>
  startMs === undefined ? undefined : Math.max(0, Math.round(nowMs - startMs));
