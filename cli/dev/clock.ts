/** Time, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
  /** Calls `run` once after `delayMs`; the answer cancels it. */
  readonly schedule: (delayMs: number, run: () => void) => () => void;
}

/** The time of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
