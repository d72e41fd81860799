import { readFileSync } from 'node:fs';
import { findSystemProgram } from '../../../k8s/init/runner.ts';
import type { Machine } from './needs.ts';

/** The machine that this process is on. */
export const thisMachine = (): Machine => ({
  platform: process.platform,
  euid: process.geteuid?.(),
  capabilities: effectiveCapabilities(),
  hasProgram: (name) => findSystemProgram(name) !== undefined,
});

/** proc(5): the line CapEff of status, a bit a capability. */
function effectiveCapabilities(): bigint | undefined {
  try {
    const status = readFileSync('/proc/self/status', 'latin1');
    const hex = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
    return hex === undefined ? undefined : BigInt(`0x${hex}`);
  } catch {
    // Not Linux, or no /proc: then the programs will say.
    return undefined;
  }
}
