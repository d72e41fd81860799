/** Where `fault-server.ts` listens for each of its ways. */
export const FAULTS = {
  answers: 7001,
  silent: 7002,
  'resets unasked': 7003,
  'resets when asked': 7004,
  'ends when asked': 7005,
  'resets in its answer': 7006,
} as const;
export type Fault = keyof typeof FAULTS;

/** One connection of `fault-client.ts`. */
export interface FaultCall {
  readonly host: string;
  readonly port: number;
  /** Sent once connected. */
  readonly request: string;
  /** The client's own patience; then it closes, as any client does. */
  readonly patienceMs: number;
}

/** What the client heard. */
export interface FaultOutcome {
  /** `connect()` succeeded. */
  readonly connected: boolean;
  /** Some bytes came. */
  readonly heard: boolean;
  /** "closed", "gave up", or the system's word for it, as ECONNRESET. */
  readonly end: string;
  readonly ms: number;
}
