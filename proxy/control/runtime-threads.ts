/**
 * Threads that the runtime keeps for itself: V8's, four of them, compile and collect garbage beside
 * what runs JavaScript. Where the process has one core they take it by turns with a data thread,
 * which then stands still for as many time slices as they are: 12 to 60 ms. At the lowest priority
 * they have what data threads leave (docs/decisions/012-priority-of-v8-threads.md).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { setThreadNice } from '../../base/libc.ts';
import type { Log } from '../../base/log.ts';

const TASKS = '/proc/self/task';
/** What Node.js names them. */
const NAME = 'node-V8Worker';
const NICE = 19;

/** What it needs of the system; given by tests. */
export interface TaskSystem {
  /** Threads of this process by the kernel's number. */
  readonly tasks: () => readonly string[];
  readonly nameOf: (task: string) => string;
  readonly setNice: (task: number, nice: number) => boolean;
}

const LINUX: TaskSystem = {
  tasks: () => readdirSync(TASKS),
  nameOf: (task) => readFileSync(`${TASKS}/${task}/comm`, 'utf8').trimEnd(),
  setNice: setThreadNice,
};

/**
 * Gives V8's threads the lowest priority. Returns how many. Where that cannot be done (another
 * system, a kernel that refuses) nothing happens, and the log says so at level `debug`.
 */
export function lowerRuntimeThreads(log: Log, system: TaskSystem = LINUX): number {
  try {
    const tasks = system.tasks().filter((task) => system.nameOf(task) === NAME);
    const lowered = tasks.filter((task) => system.setNice(Number(task), NICE)).length;
    if (lowered < tasks.length) throw new Error(`refused for ${tasks.length - lowered} threads`);
    if (lowered === 0) throw new Error(`no thread is named ${NAME}`);
    return lowered;
  } catch (error) {
    log.debug("leaves V8's threads at their priority", { reason: String(error) });
    return 0;
  }
}
