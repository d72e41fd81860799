/** What observers see of an exchange, as it becomes known: one record, used again and again. */
import { hasStatusField, isGrpc } from '../codec/grpc/content-type.ts';
import { statusOf } from '../errors.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Direction, Protocol } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import type { MeshError } from '../model/mesh-error.ts';
import {
  EVENT_ATTEMPT_START,
  EVENT_END,
  EVENT_HEAD_IN,
  EVENT_HEAD_OUT,
  NO_GRPC_STATUS,
  type ObservedExchange,
} from '../model/observation.ts';
import type { ExchangeParts } from './exchange-parts.ts';
import { GRPC_UNIMPLEMENTED, grpcStatusSeen, readGrpcStatus } from './grpc-status.ts';

/** The record of one exchange at a time. */
export class Observed implements ObservedExchange {
  readonly direction: Direction;
  destination: Destination | undefined = undefined;
  endpoint: Endpoint | undefined = undefined;
  route = '';
  startUs = 0;
  firstByteUs = 0;
  endUs = 0;
  status = 0;
  grpcStatus: number = NO_GRPC_STATUS;
  grpc = false;
  failed = false;
  cancelled = false;
  /** The head of an answer has come. */
  answered = false;
  readonly #parts: Pick<ExchangeParts, 'nowUs' | 'observe'>;

  constructor(parts: Pick<ExchangeParts, 'direction' | 'nowUs' | 'observe'>) {
    this.direction = parts.direction;
    this.#parts = parts;
  }

  // HOT: per exchange. A request's head is complete.
  begin(): void {
    this.destination = undefined;
    this.endpoint = undefined;
    this.route = '';
    this.firstByteUs = 0;
    this.endUs = 0;
    this.status = 0;
    this.grpcStatus = NO_GRPC_STATUS;
    this.grpc = false;
    this.failed = false;
    this.cancelled = false;
    this.answered = false;
    this.startUs = this.#parts.nowUs();
    this.#parts.observe?.(this, EVENT_HEAD_IN);
  }

  // HOT: per exchange. It will be tried at `endpoint`.
  attemptStarts(): void {
    this.#parts.observe?.(this, EVENT_ATTEMPT_START);
  }

  // HOT: per exchange. The head of the answer came.
  headOut(head: Head): void {
    this.answered = true;
    this.firstByteUs = this.#parts.nowUs();
    this.status = head.status;
    this.readGrpc(head);
    this.#parts.observe?.(this, EVENT_HEAD_OUT);
  }

  /** Of a head, or of trailers. */
  readGrpc(head: Head): void {
    const status = readGrpcStatus(head);
    if (status !== NO_GRPC_STATUS) this.grpcStatus = status;
    this.grpc ||= hasStatusField(head);
  }

  /**
   * The downstream, which speaks `protocol`, gets `error` for an answer, or a cut one when its head
   * has left already.
   */
  fails(error: MeshError, request: Head, protocol: Protocol): void {
    this.failed = this.answered;
    if (isGrpc(request)) this.grpcStatus = grpcStatusSeen(error, protocol);
    if (!this.answered) this.status = statusOf(error);
  }

  // HOT: per exchange. It has been answered, whatever became of it.
  end(): void {
    this.endUs = this.#parts.nowUs();
    const missing = this.status === 404 || this.grpcStatus === GRPC_UNIMPLEMENTED;
    if (this.destination !== undefined) {
      this.route = this.destination.routes.settle(this.route, !missing && this.answered);
    }
    this.#parts.observe?.(this, EVENT_END);
  }
}
