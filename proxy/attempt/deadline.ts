/**
 * The deadline of a gRPC call: its caller's grpc-timeout, counted from when its head was complete.
 *
 *   begin ─ grpc-timeout ─> ARMED ─ passOn ─> what is left goes upstream, for each attempt
 *     │                       ├─ end ──────> over in time
 *     └─ none: NONE           └─ its time, and up to two ticks of the wheel: `passed` is called
 *
 * Caller and server have timers of their own, and these are exact: ours is for those that do not
 * keep theirs, and so may be as coarse as the wheel of all timeouts.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { isGrpc } from '../codec/grpc/content-type.ts';
import { formatGrpcTimeout, NO_TIMEOUT, readGrpcTimeoutUs } from '../codec/grpc/timeout.ts';
import { FIELD_GRPC_TIMEOUT } from '../model/field.ts';
import type { Head } from '../model/head.ts';

/** A caller's clock begins before ours, by what its request was under way. */
const EARLY_US_MAX = 10_000;
/** But of a short time only so much counts as its end. */
const EARLY_SHARE_MAX = 0.1;

/** Of one exchange at a time; used again with it. */
export class Deadline {
  readonly #wheel: TimerWheel;
  readonly #nowUs: () => number;
  readonly #passed: () => void;
  /** Made for the first call that has a deadline. */
  #timer: Timer | undefined = undefined;
  #startUs = 0;
  #timeoutUs = NO_TIMEOUT;

  /** `nowUs`: monotonic. `passed` is called once for a call that has not ended in time. */
  constructor(wheel: TimerWheel, nowUs: () => number, passed: () => void) {
    this.#wheel = wheel;
    this.#nowUs = nowUs;
    this.#passed = passed;
  }

  /** What the caller said, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutUs / 1000;
  }

  // HOT: per exchange. The request whose head was complete at `startUs` has come.
  begin(head: Head, startUs: number): void {
    const timeoutUs = readGrpcTimeoutUs(head);
    if (timeoutUs === NO_TIMEOUT || !isGrpc(head)) return;
    this.#startUs = startUs;
    this.#timeoutUs = timeoutUs;
    this.#wheel.set((this.#timer ??= new Timer(this.#passed)), timeoutUs / 1000);
  }

  // HOT: per exchange. Puts what is left into `head`; false when nothing is: nobody may be asked.
  passOn(head: Head): boolean {
    if (this.#timeoutUs === NO_TIMEOUT) return true;
    const spentUs = this.#nowUs() - this.#startUs;
    // Mostly it goes on in the turn that it came in, as it came.
    if (spentUs === 0) return this.#timeoutUs > 0;
    const leftUs = this.#timeoutUs - spentUs;
    if (leftUs < 1) return false;
    head.setValue(head.find(FIELD_GRPC_TIMEOUT), formatGrpcTimeout(leftUs));
    return true;
  }

  /** Whether a caller that leaves now does so because its time is up. */
  get isUp(): boolean {
    if (this.#timeoutUs === NO_TIMEOUT) return false;
    const leftUs = this.#startUs + this.#timeoutUs - this.#nowUs();
    return leftUs <= Math.min(EARLY_US_MAX, this.#timeoutUs * EARLY_SHARE_MAX);
  }

  /** The call is over. */
  end(): void {
    if (this.#timeoutUs === NO_TIMEOUT) return;
    this.#timeoutUs = NO_TIMEOUT;
    if (this.#timer !== undefined) this.#wheel.cancel(this.#timer);
  }
}
