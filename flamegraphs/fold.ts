/** Folded stacks: one line a stack, as flame-graph tools have read them since there are any. */
import type { CallNode } from './call-tree.ts';
import { frameLabel } from './frames.ts';
import type { Recording } from './recording.ts';

/**
 * "thread;caller;callee 12", weights rounded to whole ones, stacks without a weight left out. Of two
 * that are compared a line ends with both: before, then now. Semicolons in names become commas.
 */
export function fold(recording: Recording): string {
  const lines: string[] = [];
  const visit = (node: CallNode, stack: string): void => {
    const [before, self] = [Math.round(node.before), Math.round(node.self)];
    if (before > 0 || self > 0) {
      lines.push(recording.compared ? `${stack} ${before} ${self}` : `${stack} ${self}`);
    }
    for (const child of node.children) visit(child, `${stack};${plain(frameLabel(child.frame))}`);
  };
  for (const { name, root } of recording.threads) visit(root, plain(name));
  return lines.map((line) => `${line}\n`).join('');
}

const plain = (name: string): string => name.replaceAll(';', ',').replaceAll(/\s+/g, ' ');
