/** Waiting for what must happen, with a limit and a sentence that says what did not. */
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 5;

/** A wait that ended without its event; the message says what was awaited. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Resolves as `promise` does; rejects with DeadlineError after `deadlineMs`. */
export async function withDeadline<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = 10_000,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    limit.reject(new DeadlineError(`waited ${deadlineMs} ms for ${what}`));
  }, deadlineMs);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls `check` until it gives something other than undefined or false, and returns that. */
export async function eventually<T>(
  what: string | (() => string),
  check: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 15_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) {
      const sentence = typeof what === 'string' ? what : what();
      throw new DeadlineError(`waited ${deadlineMs} ms for ${sentence}`);
    }
    await pause(POLL_MS);
  }
}

/** The value of `read` once it has stayed the same for `quietMs`: for what must have stopped. */
export async function settled(read: () => number, quietMs = 400, deadlineMs = 15_000) {
  let value = read();
  let sinceMs = performance.now();
  return eventually(
    () => `a number to stay the same for ${quietMs} ms, last ${value}`,
    () => {
      const now = read();
      if (now !== value) sinceMs = performance.now();
      value = now;
      return performance.now() - sinceMs >= quietMs ? { value } : undefined;
    },
    deadlineMs,
  ).then((result) => result.value);
}
