/** Why an exchange fails by itself: what no session and no pool has told it. */
import { REFUSED_STREAM } from '../codec/http2/error-code.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';

/** The endpoint that was picked is one of our own listeners. */
export const loopError = (endpoint: Endpoint): MeshError =>
  new MeshError('proxy-loop', 'proxy', `${endpoint.host}:${endpoint.port} is this proxy itself.`);

/**
 * The destination has no endpoint that is ready; says since when, and why as far as dials have
 * shown. `nowMs`: by the clock of timers.
 */
export function noEndpoint(destination: Destination, nowMs: number): MeshError {
  const { authority, endpoints, noneReadySinceMs, readyCount } = destination;
  const failing = endpoints.find((endpoint) => endpoint.lastDialError !== undefined);
  const last = failing?.lastDialError;
  const because = last === undefined ? '' : ` Last dial error: ${last}${since(failing, nowMs)}`;
  const long = noneReadySinceMs === undefined ? '' : `, for ${time(nowMs - noneReadySinceMs)}`;
  const sentence = `${authority} has ${readyCount} of ${endpoints.length} endpoints ready${long}.${because}`;
  return new MeshError('no-endpoint', 'upstream', sentence);
}

/** No endpoint that was tried could be dialled; `error` is what became of the last one. */
export function unreachable(
  { authority, endpoints, fixed, outside, readyCount }: Destination,
  last: Endpoint,
  error: MeshError,
  nowMs: number,
): MeshError {
  if (outside === true) return asOutside(error, REFUSED_STREAM);
  const ready = `${readyCount} of ${endpoints.length} endpoints ready`;
  const sentence = `${authority} cannot be reached, with ${ready}. Last dial error: ${error.sentence}${since(last, nowMs)}`;
  const code = fixed === true && error.source === 'upstream' ? 'address-refused' : error.code;
  return new MeshError(code, error.source, sentence, error.retry);
}

/** A failure of one endpoint, with the service that it is of; others are as they are. */
export function ofService(destination: Destination | undefined, error: MeshError): MeshError {
  if (destination === undefined || error.source !== 'upstream') return error;
  if (destination.outside === true) {
    // A connection that the system itself has given up; other deadlines are the proxy's.
    const lost = error.code === 'deadline-passed' && error.retry === 'if-reused';
    return lost || error.code === 'upstream-reset' ? asOutside(error, error.resetCode) : error;
  }
  const { authority, endpoints, readyCount } = destination;
  const { code, resetCode, retry, sentence, source } = error;
  if (sentence.startsWith(authority)) return error;
  const service = `${authority}, with ${readyCount} of ${endpoints.length} endpoints ready`;
  return new MeshError(code, source, `${service}: ${sentence}`, retry, resetCode);
}

/**
 * What a client would have heard from the address itself: a connection that ends. Errors that are this
 * proxy's own stay what they are.
 */
function asOutside(error: MeshError, resetCode: number | undefined): MeshError {
  const { ending, retry, sentence, source } = error;
  if (source !== 'upstream') return error;
  return new MeshError('outside-failed', source, sentence, retry, resetCode, ending);
}

/**
 * The application takes no connections, and did before: it is about to end, or starts again. An
 * HTTP/2 peer that hears that nothing was done with its request (RFC 9113 section 8.7) asks another
 * of the service's endpoints, of which this is only one.
 */
export function notTaken(application: Endpoint, error: MeshError): MeshError {
  const { code } = error;
  const unreached = code === 'upstream-refused' || code === 'upstream-unreachable';
  if (!application.reached || !unreached) return error;
  return new MeshError(error.code, error.source, error.sentence, error.retry, REFUSED_STREAM);
}

/** For how long dials to the endpoint have failed. */
function since(endpoint: Endpoint | undefined, nowMs: number): string {
  const startMs = endpoint?.failingSinceMs;
  return startMs === undefined ? '' : ` It has failed for ${time(nowMs - startMs)}.`;
}

/** "0.4 s", "12 s", "3 min": a person reads it. */
function time(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
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

/** Nothing has moved in a tunnel for `ms`, which is as long as may be. */
export const tunnelStalled = (ms: number): MeshError =>
  new MeshError('deadline-passed', 'proxy', `Nothing moved in the tunnel for ${ms} ms.`);
