/**
 * One call of a gRPC method whose both sides stream (gRPC over HTTP2), on one HTTP/2 stream.
 *
 *   asked ─ head ─> OPEN ─ messages both ways ─ trailers, END_STREAM ─> ended(status)
 *     └─ a head that is all ──┴─ reset, lost, or what no gRPC server says ──> ended(status)
 *
 * Credit of the stream returns as bytes are taken, because a message may be longer than the window:
 * what is held is bounded by limits.controlMessageBytesMax. Where the server does not read, messages
 * wait; `write` says so.
 */
import {
  type GrpcStatus,
  INTERNAL,
  OK,
  UNAVAILABLE,
  UNKNOWN,
  codeOfHttp,
  readStatus,
} from '../../codec/grpc/status.ts';
import { hasStatusField } from '../../codec/grpc/content-type.ts';
import { MessageReader, frameMessage } from '../../codec/grpc/message-reader.ts';
import { statusOfReset } from '../../codec/grpc/reset-status.ts';
import { limits } from '../../limits.ts';
import type { ResponseSink, UpstreamStream } from '../../model/exchange.ts';
import type { Head } from '../../model/head.ts';
import { MeshError } from '../../model/mesh-error.ts';

/** A method, and what its messages are as bytes. */
export interface StreamMethod<Request, Response> {
  /** "/package.Service/Method". */
  readonly path: string;
  readonly encode: (message: Request) => Uint8Array;
  /** Throws when the bytes are no such message; keeps none of them. */
  readonly decode: (bytes: Uint8Array) => Response;
}

/** What the owner of a call hears. */
export interface CallEvents<Response> {
  message(message: Response): void;
  /** `write` had returned false: half of what waited has left. */
  drained(): void;
  /** Once, and nothing after it. OK is an end in order. */
  ended(status: GrpcStatus): void;
}

/** A call that may be written to. */
export class GrpcCall<Request, Response> implements ResponseSink {
  readonly #stream: UpstreamStream;
  readonly #method: StreamMethod<Request, Response>;
  readonly #events: CallEvents<Response>;
  readonly #reader: MessageReader;
  #status: GrpcStatus | undefined = undefined;
  #over = false;
  #unsentBytes = 0;
  #full = false;

  constructor(
    stream: UpstreamStream,
    method: StreamMethod<Request, Response>,
    events: CallEvents<Response>,
  ) {
    this.#stream = stream;
    this.#method = method;
    this.#events = events;
    this.#reader = new MessageReader(limits.controlMessageBytesMax, (bytes, start, end) =>
      this.#take(bytes.subarray(start, end)),
    );
  }

  /** Sends a message; false when it is better to wait for `drained`. Nothing once it has ended. */
  write(message: Request): boolean {
    if (this.#over) return false;
    const framed = frameMessage(this.#method.encode(message));
    this.#unsentBytes += framed.length;
    this.#stream.requestData(framed, 0, framed.length);
    this.#full = this.#unsentBytes >= limits.streamWindowBytes;
    return !this.#full;
  }

  /** Ends it at once; nothing more is heard of it. */
  cancel(): void {
    if (this.#over) return;
    this.#stop();
  }

  #stop(): void {
    this.#over = true;
    this.#reader.stop();
    this.#stream.requestReset(CANCELLED);
  }

  #end(status: GrpcStatus): void {
    if (this.#over) return;
    this.#stop();
    this.#events.ended(status);
  }

  // ---- from the server ----

  responseInformational(): void {}

  responseHead(head: Head): void {
    this.#status = readStatus(head);
    if (this.#status !== undefined || (head.status === HTTP_OK && hasStatusField(head))) return;
    const what = head.status === HTTP_OK ? 'something else than gRPC' : `HTTP ${head.status}`;
    this.#end({ code: codeOfHttp(head.status), message: `The server answered ${what}.` });
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    const problem = this.#reader.read(bytes, start, end);
    if (problem !== undefined) this.#end(problem);
    else if (!this.#over) this.#stream.responseCredit(end - start);
  }

  #take(bytes: Buffer): void {
    let message: Response;
    try {
      message = this.#method.decode(bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.#end({ code: INTERNAL, message: `A message cannot be decoded: ${why}.` });
    }
    this.#events.message(message);
  }

  responseTrailers(trailers: Head): void {
    this.#status = readStatus(trailers);
  }

  responseEnd(): void {
    const status = this.#status ?? NO_STATUS;
    this.#end(status.code === OK && this.#reader.inMessage ? CUT : status);
  }

  responseReset(error: MeshError): void {
    this.#end({ code: codeOfLoss(error), message: error.sentence });
  }

  requestCredit(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (!this.#full || this.#unsentBytes > limits.streamWindowBytes / 2) return;
    this.#full = false;
    this.#events.drained();
  }

  requestUnwanted(): void {}
}

const HTTP_OK = 200;
const CANCELLED = new MeshError('cancelled', 'proxy', 'The call is over.');
const NO_STATUS: GrpcStatus = {
  code: UNKNOWN,
  message: 'The server ended the stream without a status.',
};
const CUT: GrpcStatus = {
  code: INTERNAL,
  message: 'The server ended the stream in the middle of a message.',
};

function codeOfLoss({ code, resetCode }: MeshError): number {
  if (resetCode !== undefined) return statusOfReset(resetCode);
  return code === 'upstream-protocol' ? INTERNAL : UNAVAILABLE;
}
