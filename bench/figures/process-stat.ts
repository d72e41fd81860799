/** /proc/PID/stat of Linux (proc_pid_stat(5)). */
import { readFileSync, readdirSync } from 'node:fs';

/** The fields that are used here. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter: R running, S sleeping, Z ended and not yet waited for. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks of 10 ms, all threads, those that ended too. */
  readonly userTicks: number;
  readonly sysTicks: number;
}

/** Reads one line of /proc/PID/stat; the name in it may hold anything, also parentheses. */
export function parseProcessStat(line: string): ProcessStat {
  const close = line.lastIndexOf(')');
  const fields = line.slice(close + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  const stat = {
    pid: Number.parseInt(line, 10),
    state: fields[0] ?? '',
    parent: number(1),
    group: number(2),
    userTicks: number(11),
    sysTicks: number(12),
  };
  if (close === -1 || !Number.isInteger(stat.pid + stat.userTicks + stat.sysTicks)) {
    throw new Error(`not a line of /proc/PID/stat: ${line}`);
  }
  return stat;
}

/** Of a running process; undefined when there is none. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether reading below /proc failed because the process has ended. */
export const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');

/** Running processes of a process group, its leader first. */
export function processesOfGroup(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processStat(Number(name)) ?? [])
    .filter((stat) => stat.group === group && stat.state !== 'Z')
    .map(({ pid }) => pid)
    .toSorted((a, b) => Number(b === group) - Number(a === group) || a - b);
}
