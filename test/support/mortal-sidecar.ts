/**
 * The sidecar as it is, with one thing more: SIGUSR2 terminates its data thread. The thread is
 * found from outside, by Node's own event for a new worker, so that the product needs no way in.
 */
import type { Worker } from 'node:worker_threads';

let last: Worker | undefined;
process.on('worker', (worker: Worker) => {
  last = worker;
});
process.on('SIGUSR2', () => void last?.terminate());

await import('../../proxy/main.ts');
