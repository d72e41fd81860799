/** Why an exchange fails by itself: what no session and no pool has told it. */
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';

/** The endpoint that was picked is one of our own listeners. */
export const loopError = (endpoint: Endpoint): MeshError =>
  new MeshError('proxy-loop', 'proxy', `${endpoint.host}:${endpoint.port} is this proxy itself.`);

/** The destination has no endpoint that is ready; says why, as far as dials have shown. */
export function noEndpoint(destination: Destination): MeshError {
  const { authority, endpoints, readyCount } = destination;
  const last = endpoints.find((endpoint) => endpoint.lastDialError !== undefined)?.lastDialError;
  const because = last === undefined ? '' : ` Last dial error: ${last}`;
  const sentence = `${authority} has ${readyCount} of ${endpoints.length} endpoints ready.${because}`;
  return new MeshError('no-endpoint', 'upstream', sentence);
}

/** The caller's time is up; `asked`: the request was sent to `endpoint`. */
export function deadlineError(
  timeoutMs: number,
  endpoint: Endpoint | undefined,
  asked: boolean,
): MeshError {
  const who = endpoint === undefined ? 'nobody' : `${endpoint.host}:${endpoint.port}`;
  const what = asked ? `${who} had answered` : `${who} could be asked`;
  const sentence = `The call's grpc-timeout of ${timeoutMs} ms passed before ${what}.`;
  return new MeshError('deadline-passed', 'upstream', sentence);
}
