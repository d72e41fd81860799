/** Recordings for tests: trees written by hand, and arbitrary ones. */
import fc from 'fast-check';
import { CallNode } from '../../flamegraphs/call-tree.ts';
import { type Frame, frameOf } from '../../flamegraphs/frames.ts';
import type { Recording } from '../../flamegraphs/recording.ts';

/**
 * A tree as [name, self, ...children], children being sketches, which a type cannot say of itself; the
 * file of a name is proxy/session/NAME.ts.
 */
export type Sketch = readonly [name: string, self: number, ...children: readonly unknown[]];

/** The frame of a function `name`; what is in parentheses has no file. */
export const frameNamed = (name: string, line = 7): Frame =>
  frameOf({
    functionName: name,
    url: name.startsWith('(') ? '' : `file:///elsewhere/proxy/session/${name}.ts`,
    lineNumber: name.startsWith('(') ? -1 : line - 1,
  });

/** The tree of a sketch. */
export function treeOf([name, self, ...children]: Sketch): CallNode {
  const root = new CallNode(frameNamed(name));
  root.self = self;
  const fill = (node: CallNode, sketches: readonly unknown[]): void => {
    for (const [name, self, ...below] of sketches as readonly Sketch[]) {
      const child = node.child(frameNamed(name));
      child.self += self;
      fill(child, below);
    }
  };
  fill(root, children);
  return root;
}

/** A tree as a sketch again, children by name. */
export const sketchOf = ({ children, frame, self }: CallNode): Sketch => [
  frame.name,
  self,
  ...children
    .toSorted((a, b) => (a.frame.name < b.frame.name ? -1 : 1))
    .map((child) => sketchOf(child)),
];

/** A recording of one thread. */
export function recordingOf(sketch: Sketch, more: Partial<Recording> = {}): Recording {
  return {
    title: 'a recording',
    kind: 'cpu',
    facts: [['scenario', 'none']],
    requests: 10,
    per: 'recording',
    seconds: 2,
    compared: false,
    threads: [{ name: 'data thread 0', root: treeOf(sketch) }],
    ...more,
  };
}

const NAMES = ['(idle)', '(program)', 'a', 'b', 'c', 'writeBuffer', '(anonymous)'];

const DEPTH_MAX = 5;

const arbitrarySketch = (depth: number): fc.Arbitrary<Sketch> => {
  const below =
    depth === 1 ? fc.constant([]) : fc.array(arbitrarySketch(depth - 1), { maxLength: 3 });
  return fc
    .tuple(fc.constantFrom(...NAMES), fc.nat(1_000), below)
    .map(([name, self, children]) => [name, self, ...children]);
};

/** Arbitrary recordings of one to three threads, whole weights. */
export const arbitraryRecording: fc.Arbitrary<Recording> = fc
  .array(arbitrarySketch(DEPTH_MAX), { minLength: 1, maxLength: 3 })
  .map((sketches) =>
    recordingOf(['(root)', 0], {
      threads: sketches.map((sketch, i) => ({
        name: `data thread ${i}`,
        root: treeOf(['(root)', 0, sketch]),
      })),
    }),
  );
