/**
 * A recording as JSON: what pages carry, and what `-o json` writes. Frames are listed once; a node
 * is [frame, self, before, children], from the end of which zeros and empty lists are left out.
 */
import { CallNode } from '../call-tree.ts';
import { type Frame, frameKey } from '../frames.ts';
import type { Fact, Recording, RecordingKind } from '../recording.ts';
import { stageOf } from '../stages.ts';

const FORMAT = 'culvert-flamegraph-1';

type PackedNode = readonly [
  frame: number,
  self?: number,
  before?: number,
  children?: readonly PackedNode[],
];

/** The JSON; a frame is [name, file, line, stage]. */
export interface PackedRecording {
  readonly format: typeof FORMAT;
  readonly title: string;
  readonly kind: RecordingKind;
  readonly facts: readonly Fact[];
  /** Absent: not counted. */
  readonly requests?: number;
  readonly per: Recording['per'];
  /** Null: not known. */
  readonly seconds: number | null;
  readonly compared: boolean;
  readonly frames: readonly (readonly [
    name: string,
    file: string,
    line: number,
    stage: Frame['stage'],
  ])[];
  readonly threads: readonly { readonly name: string; readonly root: PackedNode }[];
}

/** Weights are rounded: to a whole one in a recording, to thousandths where they are per something. */
export function pack(recording: Recording): PackedRecording {
  const { compared, facts, kind, per, requests, seconds, threads, title } = recording;
  const numbers = new Map<string, number>();
  const frames: PackedRecording['frames'][number][] = [];
  const grain = per === 'recording' ? 1 : 1000;
  const round = (weight: number): number => Math.round(weight * grain) / grain;
  const numberOf = (frame: Frame): number => {
    const key = `${frame.stage}\n${frameKey(frame)}`;
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, frames.length);
    frames.push([frame.name, frame.file, frame.line, frame.stage]);
    return frames.length - 1;
  };
  const packNode = (node: CallNode): PackedNode => {
    const frame = numberOf(node.frame);
    const [self, before] = [round(node.self), round(node.before)];
    const children = node.children.map(packNode);
    if (children.length > 0) return [frame, self, before, children];
    if (before !== 0) return [frame, self, before];
    return self === 0 ? [frame] : [frame, self];
  };
  const packed = threads.map(({ name, root }) => ({ name, root: packNode(root) }));
  return {
    format: FORMAT,
    title,
    kind,
    facts,
    ...(requests === undefined ? {} : { requests }),
    per,
    seconds: Number.isFinite(seconds) ? seconds : null,
    compared,
    frames,
    threads: packed,
  };
}

/** Whether the parsed JSON is what `pack` makes. */
export const isPacked = (value: object): value is PackedRecording =>
  'format' in value && value.format === FORMAT;

/** The recording again; throws a sentence when a node names no frame. */
export function unpack(packed: PackedRecording): Recording {
  const { compared, facts, kind, per, requests, seconds, threads, title } = packed;
  const frames = packed.frames.map(([name, file, line, stage]) => ({
    name,
    file,
    line,
    // Of an older page the stages may be others: the file still says where it lives.
    stage: file === '' ? stage : stageOf(name, file),
  }));
  const fill = (node: CallNode, [, self = 0, before = 0, children = []]: PackedNode): CallNode => {
    node.self += self;
    node.before += before;
    for (const child of children) fill(node.child(frameAt(child[0])), child);
    return node;
  };
  const frameAt = (number: number): Frame => {
    const frame = frames[number];
    if (frame === undefined) throw new Error(`the recording has no frame ${number}`);
    return frame;
  };
  return {
    title,
    kind,
    facts,
    requests,
    per,
    seconds: seconds ?? Number.NaN,
    compared,
    threads: threads.map(({ name, root }) => ({
      name,
      root: fill(new CallNode(frameAt(root[0])), root),
    })),
  };
}
