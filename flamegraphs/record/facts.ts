/** On what a recording was made. */
import os from 'node:os';
import type { Fact } from '../recording.ts';

/** Of this machine, now; `commit` is of the tree that was recorded. */
export function machineFacts(commit: string): readonly Fact[] {
  const cores = os.cpus();
  return [
    ['commit', commit],
    ['Node.js', process.versions.node],
    ['machine', `${cores[0]?.model.trim() ?? 'unknown'}, ${cores.length} cores`],
  ];
}
