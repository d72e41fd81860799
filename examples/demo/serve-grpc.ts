/** A few lines over grpc-js that the demo's inner services share. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';

/** What is under way at SIGTERM has this long to end; longer than any call here takes. */
const GOODBYE_MS = 2_000;

/** Why a call is not answered: a status other than OK, and a sentence for the caller. */
export class Refusal {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    this.code = code;
    this.details = details;
  }
}

/** Serves one service at `HOST`:`PORT` until SIGTERM, which lets calls under way end. */
export function serveGrpc(
  service: ServiceDefinition,
  handlers: UntypedServiceImplementation,
): void {
  const server = new Server();
  server.addService(service, handlers);
  const address = `${process.env['HOST'] ?? '0.0.0.0'}:${process.env['PORT']}`;
  server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
    if (error !== null) throw error;
  });
  process.once('SIGTERM', () => {
    const timer = setTimeout(() => server.forceShutdown(), GOODBYE_MS);
    server.tryShutdown(() => clearTimeout(timer));
  });
}

/** Answers a unary or client-streaming call with what `handle` resolves to; a bug is UNKNOWN. */
export function answering<Call, Response>(
  handle: (call: Call) => Promise<NoInfer<Response> | Refusal>,
): (call: Call, callback: sendUnaryData<Response>) => void {
  return (call, callback) => void answer(handle(call), callback);
}

async function answer<Response>(
  response: Promise<Response | Refusal>,
  callback: sendUnaryData<Response>,
): Promise<void> {
  const outcome = await response.catch((error: unknown) => error as Error);
  if (outcome instanceof Refusal || outcome instanceof Error) callback(outcome);
  else callback(null, outcome);
}

/** The end of a call whose answer is a stream. */
interface StreamingCall {
  end(): void;
  emit(event: 'error', error: unknown): void;
}

/** Ends a call that `handle` answers with a stream: with OK, or as it was refused. */
export function streaming<Call extends StreamingCall>(
  handle: (call: Call) => Promise<Refusal | undefined>,
): (call: Call) => void {
  return (call) => void end(call, handle(call));
}

async function end(call: StreamingCall, handled: Promise<Refusal | undefined>): Promise<void> {
  const refusal = await handled.catch((error: unknown) => error as Error);
  // An error is how grpc-js is told the status of a stream.
  if (refusal === undefined) call.end();
  else call.emit('error', refusal);
}
