/** `.heapprofile`, a sampling heap profile as V8 writes it, to a tree of bytes. */
import { CallNode } from '../call-tree.ts';
import { type CallFrame, frameOf } from '../frames.ts';
import type { ProfiledThread } from './cpu-profile.ts';
import { readNote } from './thread-note.ts';

interface HeapNode {
  readonly callFrame: CallFrame;
  /** Bytes, already scaled by V8 from samples to all. */
  readonly selfSize: number;
  readonly children?: readonly HeapNode[];
}

interface HeapProfile {
  readonly head: HeapNode;
}

/** Whether the parsed JSON looks like one. */
export const isHeapProfile = (value: object): value is HeapProfile =>
  'head' in value &&
  typeof value.head === 'object' &&
  value.head !== null &&
  'callFrame' in value.head;

/** A tree of bytes; how long was watched the file does not say. */
export function readHeapProfile(profile: HeapProfile): ProfiledThread {
  const root = new CallNode(frameOf(profile.head.callFrame));
  const left: (readonly [HeapNode, CallNode])[] = [[profile.head, root]];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const [{ children = [], selfSize }, made] = one;
    made.self += selfSize;
    for (const child of children) left.push([child, made.child(frameOf(child.callFrame))]);
  }
  return { root, seconds: Number.NaN, note: readNote(profile) };
}
