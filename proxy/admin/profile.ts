/** A CPU profile of a live data thread. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** Profiles `worker` for `ms` milliseconds; .cpuprofile JSON. Rejects when there is no thread. */
export async function profileThread(worker: Worker | undefined, ms: number): Promise<string> {
  if (worker === undefined) throw new Error('the data thread is starting: try again');
  const profile = await worker.startCpuProfile();
  await sleep(ms);
  return profile.stop();
}
