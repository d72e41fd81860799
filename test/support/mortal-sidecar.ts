/**
 * The sidecar as it is, with one thing more: SIGUSR2 terminates the data thread that lives longest,
 * SIGHUP all of them. They are found from outside, by Node's own event for a new worker, so that
 * the product needs no way in.
 */
import type { Worker } from 'node:worker_threads';

const living = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  living.add(worker);
  worker.once('exit', () => living.delete(worker));
});

function terminate(workers: readonly Worker[]): void {
  for (const worker of workers) {
    living.delete(worker);
    void worker.terminate();
  }
}

process.on('SIGUSR2', () => terminate([...living].slice(0, 1)));
process.on('SIGHUP', () => terminate([...living]));

await import('../../proxy/main.ts');
