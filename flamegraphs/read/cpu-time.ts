/**
 * V8 samples by the clock on the wall; the kernel knows what a thread has spent. Two things follow.
 * V8 calls a thread idle from before it waits for events until JavaScript runs again: the system calls
 * that wait, and all that libuv reads meanwhile, are "(idle)" to it; what was spent beyond what V8
 * saw, was spent there. And where V8 saw more than was spent, the thread waited for a core.
 */
import type { CallNode } from '../call-tree.ts';
import { nodesOf } from '../call-tree.ts';
import { madeUpFrame } from '../frames.ts';

/** What is taken from "(idle)". */
export const OUTSIDE = madeUpFrame('(epoll, reads: outside JavaScript)', 'kernel');
/** What is taken from all that is not idle, in proportion. */
export const WAITED = madeUpFrame('(waited for a core)', 'idle');

/** Makes what is not idle, below `root`, come to the CPU time of the thread. */
export function fitCpuTime(root: CallNode, cpuUs: number): void {
  let seenUs = 0;
  for (const { frame, self } of nodesOf(root)) if (frame.stage !== 'idle') seenUs += self;
  if (cpuUs < seenUs) scale(root, cpuUs / seenUs, seenUs - cpuUs);
  else {
    const idle = root.children.find(({ frame }) => frame.stage === 'idle');
    const hiddenUs = Math.min(idle?.self ?? 0, cpuUs - seenUs);
    if (idle === undefined || hiddenUs === 0) return;
    idle.self -= hiddenUs;
    root.child(OUTSIDE).self += hiddenUs;
  }
}

function scale(root: CallNode, factor: number, restUs: number): void {
  for (const node of nodesOf(root)) if (node.frame.stage !== 'idle') node.self *= factor;
  root.child(WAITED).self += restUs;
}
