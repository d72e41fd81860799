/** `.cpuprofile`, as V8 and the tools of browsers write it, to a tree. */
import { CallNode } from '../call-tree.ts';
import { type CallFrame, frameOf } from '../frames.ts';
import { fitCpuTime } from './cpu-time.ts';
import { type ThreadNote, readNote } from './thread-note.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly hitCount?: number;
  readonly children?: readonly number[];
}

/** The file; times are microseconds. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes. */
  readonly samples?: readonly number[];
  /** From the sample before, the first from `startTime`. */
  readonly timeDeltas?: readonly number[];
}

/** What a profile file holds. */
export interface ProfiledThread {
  readonly root: CallNode;
  /** How long it was watched; NaN when the file does not say. */
  readonly seconds: number;
  readonly note: ThreadNote | undefined;
}

/** Whether the parsed JSON looks like one. */
export const isCpuProfile = (value: object): value is CpuProfile =>
  'nodes' in value && Array.isArray(value.nodes) && 'startTime' in value && 'endTime' in value;

/**
 * A tree of microseconds. A sample lasts until the next one. Throws a sentence when nodes refer to
 * nodes that are not there.
 */
export function readCpuProfile(profile: CpuProfile): ProfiledThread {
  const { endTime, nodes, startTime } = profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const spentUs = timesOf(profile);
  const [first] = nodes;
  if (first === undefined) throw new Error('the CPU profile has no nodes');
  const root = new CallNode(frameOf(first.callFrame));
  const seen = new Set<number>();
  const left: (readonly [ProfileNode, CallNode])[] = [[first, root]];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const [node, made] = one;
    if (seen.has(node.id)) throw new Error('the CPU profile is no tree');
    seen.add(node.id);
    made.self += spentUs.get(node.id) ?? 0;
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child === undefined) throw new Error(`the CPU profile has no node ${id}`);
      left.push([child, made.child(frameOf(child.callFrame))]);
    }
  }
  const note = readNote(profile);
  if (note?.cpuUs !== undefined) fitCpuTime(root, note.cpuUs);
  return { root, seconds: (endTime - startTime) / 1e6, note };
}

/** Microseconds of each node itself, by id. */
function timesOf({
  endTime,
  nodes,
  samples,
  startTime,
  timeDeltas,
}: CpuProfile): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  if (samples === undefined || timeDeltas === undefined) {
    const hits = nodes.reduce((sum, { hitCount = 0 }) => sum + hitCount, 0);
    const each = hits > 0 ? (endTime - startTime) / hits : 0;
    for (const { hitCount = 0, id } of nodes) times.set(id, hitCount * each);
    return times;
  }
  let atUs = startTime;
  for (const [i, id] of samples.entries()) {
    atUs += timeDeltas[i] ?? 0;
    const lastsUs = i + 1 < samples.length ? (timeDeltas[i + 1] ?? 0) : endTime - atUs;
    // The clock of one core may be behind that of another.
    times.set(id, (times.get(id) ?? 0) + Math.max(0, lastsUs));
  }
  return times;
}
