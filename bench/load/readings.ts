/** What is read at both ends of a window: CPU time of processes and of the machine. */
import { readFileSync } from 'node:fs';
import { processStat } from '../figures/process-stat.ts';
import { processCpuUs } from './libc.ts';
import type { ProcessCpu } from './plan.ts';

/** Linux shows clock ticks to programs in hundredths of a second on every machine. */
const TICK_US = 10_000;

/** Ticks of one core, or of all of them, since the machine started. */
interface CoreTicks {
  readonly all: number;
  /** Neither idle nor stolen. */
  readonly busy: number;
  readonly stolen: number;
}

/** The clocks at one moment. */
export interface Reading {
  readonly processes: readonly ProcessCpu[];
  readonly machine: CoreTicks;
  readonly cores: readonly CoreTicks[];
  /** User and system time of this process. */
  readonly own: NodeJS.CpuUsage;
}

/** Reads all; throws with a sentence when a process is gone. */
export function readClocks(pids: readonly number[]): Reading {
  const [machine, ...cores] = readCores(readFileSync('/proc/stat', 'latin1'));
  return {
    processes: pids.map(readProcess),
    machine: machine ?? { all: 0, busy: 0, stolen: 0 },
    cores,
    own: process.cpuUsage(),
  };
}

function readProcess(pid: number): ProcessCpu {
  const totalUs = processCpuUs(pid);
  const stat = processStat(pid);
  if (totalUs === undefined || stat === undefined) {
    throw new Error(`process ${pid}, whose CPU time was to be read, is gone`);
  }
  return { pid, userUs: stat.userTicks * TICK_US, sysUs: stat.sysTicks * TICK_US, totalUs };
}

/** The machine, then each core, of the text of /proc/stat. */
export function readCores(text: string): CoreTicks[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('cpu'))
    .map((line) => {
      // user nice system idle iowait irq softirq steal; guest time is part of user time.
      const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
      const all = ticks.reduce((sum, each) => sum + each, 0);
      const stolen = ticks[7] ?? 0;
      return { all, stolen, busy: all - stolen - (ticks[3] ?? 0) - (ticks[4] ?? 0) };
    });
}

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** What was spent between two readings, as a LoadResult says it. */
export function spentBetween(before: Reading, after: Reading) {
  const { machine, cores, own } = after;
  return {
    cpu: after.processes.map((now, i): ProcessCpu => {
      const then = before.processes[i] ?? now;
      return {
        pid: now.pid,
        userUs: now.userUs - then.userUs,
        sysUs: now.sysUs - then.sysUs,
        totalUs: now.totalUs - then.totalUs,
      };
    }),
    generator: { userUs: own.user - before.own.user, sysUs: own.system - before.own.system },
    steal: share(machine.stolen - before.machine.stolen, machine.all - before.machine.all),
    busy: cores.map((core, i) => {
      const then = before.cores[i] ?? core;
      return share(core.busy - then.busy, core.all - then.all);
    }),
  };
}
