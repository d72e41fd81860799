/** CPU time of processes, from /proc of Linux. */
import { readFileSync, readdirSync } from 'node:fs';
import { isGone, processStat } from './process-stat.ts';

/** Linux shows clock ticks to programs in hundredths of a second on every machine. */
const TICK_US = 10_000;

/**
 * User and system microseconds that `pids` have used, all threads. Exact for threads that live
 * (schedstat counts nanoseconds), to 10 ms for those that have ended. Throws when a process has.
 */
export function cpuUsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuUsOfOne(pid), 0);
}

function cpuUsOfOne(pid: number): number {
  const stat = processStat(pid);
  if (stat === undefined) throw new Error(`process ${pid}, whose CPU time was to be read, is gone`);
  const ticksUs = (stat.userTicks + stat.sysTicks) * TICK_US;
  const threads = readdirSync(`/proc/${pid}/task`);
  const livingUs = threads.reduce((sum, thread) => sum + threadUs(pid, thread), 0);
  return Math.max(ticksUs, livingUs);
}

/** 0 for a thread that ended a moment ago, and where the kernel does not count. */
function threadUs(pid: number, thread: string): number {
  try {
    return scheduledUs(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'));
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/** Microseconds on a core, of the text of schedstat: nanoseconds run, waited, and turns. */
export const scheduledUs = (text: string): number => Number(text.split(' ')[0]) / 1_000;
