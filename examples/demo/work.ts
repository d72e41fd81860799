/** Waits `minMs` to `maxMs` milliseconds, mostly near the lower end: work that takes its time. */
export function work(minMs: number, maxMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, minMs + (maxMs - minMs) * Math.random() ** 3);
  return promise;
}
