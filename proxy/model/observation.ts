/** What telemetry, access logs, tap and spans see of an exchange: one slot a worker. */
import type { Destination } from './destination.ts';
import type { Endpoint } from './endpoint.ts';
import type { Direction } from './exchange.ts';

/** The request head is complete. */
export const EVENT_HEAD_IN = 0;
/** An endpoint was picked. */
export const EVENT_ATTEMPT_START = 1;
/** The response head left. */
export const EVENT_HEAD_OUT = 2;
/** The exchange is over, however. */
export const EVENT_END = 3;
/** When an exchange is observed. */
export type ExchangeEvent =
  | typeof EVENT_HEAD_IN
  | typeof EVENT_ATTEMPT_START
  | typeof EVENT_HEAD_OUT
  | typeof EVENT_END;

/** The response carried no gRPC status. */
export const NO_GRPC_STATUS = -1;

/** An exchange as observers read it; valid during the call. */
export interface ObservedExchange {
  readonly direction: Direction;
  /** Known once resolved. */
  readonly destination: Destination | undefined;
  /** Of the last attempt. */
  readonly endpoint: Endpoint | undefined;
  /** Empty for inbound exchanges. */
  readonly route: string;
  /** Monotonic microseconds: request head complete. */
  readonly startUs: number;
  /** First byte of the response came, 0 until then. */
  readonly firstByteUs: number;
  /** Response complete, 0 until then. */
  readonly endUs: number;
  /** 0 until known. */
  readonly status: number;
  /** NO_GRPC_STATUS unless the response carried one. */
  readonly grpcStatus: number;
  /** The response says it is gRPC: without a status it is UNKNOWN. */
  readonly grpc: boolean;
  /** The response was cut after its head had left: reset or truncated. */
  readonly failed: boolean;
  /** The downstream went away first. */
  readonly cancelled: boolean;
}

/** Undefined when nobody observes. */
export type Observe = ((exchange: ObservedExchange, event: ExchangeEvent) => void) | undefined;
