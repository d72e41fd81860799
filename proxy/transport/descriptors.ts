/** Descriptors of this process: how many it has open, and how many it may have. */
import { readFileSync, readdirSync } from 'node:fs';

/**
 * The limit in force (RLIMIT_NOFILE, soft: Node raises it to the hard one when it starts);
 * undefined where the system does not say or sets none.
 */
export function descriptorLimit(): number | undefined {
  const limit = limitOfProc() ?? limitOfReport();
  return limit !== undefined && Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

/** Descriptors open now, from /proc; undefined where there is none. */
export function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

function limitOfProc(): number | undefined {
  try {
    const text = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

let reported: number | undefined;

/** The same on every system, but dear: asked once. */
function limitOfReport(): number {
  if (reported === undefined) {
    const { userLimits } = process.report.getReport() as {
      userLimits?: { open_files?: { soft?: unknown } };
    };
    reported = Number(userLimits?.open_files?.soft);
  }
  return reported;
}
