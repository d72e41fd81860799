/** Small things away: a page shows no frame that is narrower than a pixel, and need not carry it. */
import { CallNode, nodesOf } from './call-tree.ts';
import { type Frame, madeUpFrame } from './frames.ts';
import type { Recording } from './recording.ts';
import type { StageName } from './stages.ts';

/** Stands for all that was too small below a node, and of one stage: sums by stage stay true. */
export const smaller = (stage: StageName): Frame => madeUpFrame(`(smaller ones: ${stage})`, stage);

interface Kept {
  readonly node: CallNode;
  /** Of the whole subtree. */
  readonly self: number;
  readonly before: number;
}

/**
 * The recording without subtrees that hold less than `share` (0 to 1) of their thread, now and
 * before. Their weights stay, beside what is kept: every total is what it was, also of every stage.
 */
export function prune(recording: Recording, share: number): Recording {
  const threads = recording.threads.map(({ name, root }) => {
    const all = keep(root, 0);
    // Idle time is no measure of what is small: a thread that mostly waits has work to show too.
    const idle = root.children.filter(({ frame }) => frame.stage === 'idle');
    const idleNow = idle.reduce((sum, { self }) => sum + self, 0);
    const idleBefore = idle.reduce((sum, { before }) => sum + before, 0);
    const busy = Math.max(all.self - idleNow, all.before - idleBefore);
    return { name, root: keep(root, busy * share).node };
  });
  return { ...recording, threads };
}

function keep(original: CallNode, least: number): Kept {
  const node = new CallNode(original.frame);
  node.self = original.self;
  node.before = original.before;
  let { before, self } = node;
  for (const child of original.children) {
    const kept = keep(child, least);
    self += kept.self;
    before += kept.before;
    if (Math.max(kept.self, kept.before) >= least) adopt(node, kept.node);
    else gather(node, kept.node);
  }
  return { node, self, before };
}

/** Sums up a subtree below another parent. */
function gather(parent: CallNode, subtree: CallNode): void {
  for (const { before, frame, self } of nodesOf(subtree)) {
    if (before + self === 0) continue;
    const rest = parent.child(smaller(frame.stage));
    rest.self += self;
    rest.before += before;
  }
}

/** Moves a subtree below another parent. */
function adopt(parent: CallNode, subtree: CallNode): void {
  const node = parent.child(subtree.frame);
  node.self += subtree.self;
  node.before += subtree.before;
  for (const child of subtree.children) adopt(node, child);
}
