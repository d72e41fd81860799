/** What web needs for its gRPC calls, which leave through its sidecar's ways out. */
import { Metadata, status } from '@grpc/grpc-js';
import type { CallOptions, ChannelOptions, ServiceError } from '@grpc/grpc-js';
import type { Answer } from './serve.ts';

/** Much longer than anything takes. It travels as grpc-timeout, so all on the way know it. */
const DEADLINE_MS = 10_000;

/** A sidecar that starts again is found again soon. */
export const CHANNEL_OPTIONS: ChannelOptions = { 'grpc.max_reconnect_backoff_ms': 2_000 };

/** "HOST:PORT" of a service, as the environment says it. */
export const addressOf = (service: string): string =>
  `${process.env[`${service}_SERVICE_HOST`]}:${process.env[`${service}_SERVICE_PORT`]}`;

/** Options of a call that begins now. */
export const withDeadline = (): CallOptions => ({ deadline: Date.now() + DEADLINE_MS });

type Done<Response> = (error: ServiceError | null, response: Response) => void;

/** A unary or client-streaming call as a promise, which rejects with a ServiceError. */
export function call<Response>(
  start: (metadata: Metadata, options: CallOptions, done: Done<Response>) => unknown,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  start(new Metadata(), withDeadline(), (error, response) =>
    error === null ? resolve(response) : reject(error),
  );
  return promise;
}

/** gRPC statuses that HTTP has a word for; the others are 500. */
const HTTP_STATUSES: ReadonlyMap<number, number> = new Map([
  [status.INVALID_ARGUMENT, 400],
  [status.NOT_FOUND, 404],
  [status.UNAVAILABLE, 503],
  [status.DEADLINE_EXCEEDED, 504],
]);

/** The answer to an HTTP request: what `body` resolves to, or why the call under it failed. */
export async function answerWith(httpStatus: number, body: Promise<unknown>): Promise<Answer> {
  try {
    return { status: httpStatus, body: await body };
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return {
      status: HTTP_STATUSES.get(error.code) ?? 500,
      body: { error: error.details, grpcStatus: status[error.code] },
    };
  }
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && 'details' in error;
