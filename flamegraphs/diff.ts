/**
 * What grew between two recordings. Runs differ in length and in what they carried, so each is
 * divided by its requests, where both know them, else by its seconds.
 */
import { CallNode } from './call-tree.ts';
import { movedKey } from './frames.ts';
import type { Fact, Recording } from './recording.ts';

/** Both in one tree: `before` from `a`, `self` from `b`. Throws a sentence when they are of two kinds. */
export function diff(a: Recording, b: Recording): Recording {
  if (a.kind !== b.kind) {
    throw new Error(`one recording is of ${a.kind}, the other of ${b.kind}: nothing to compare`);
  }
  if (a.compared || b.compared) throw new Error('one of the two is a comparison already');
  const per = a.requests === undefined || b.requests === undefined ? 'second' : 'request';
  const [divideA, divideB] = [divisorOf(a, per), divisorOf(b, per)];
  const roots = new Map<string, CallNode>();
  const rootOf = (name: string, like: CallNode): CallNode => {
    const known = roots.get(name) ?? new CallNode(like.frame);
    roots.set(name, known);
    return known;
  };
  for (const { name, root } of a.threads) {
    merge(rootOf(name, root), root, (node, self) => (node.before += self / divideA));
  }
  for (const { name, root } of b.threads) {
    merge(rootOf(name, root), root, (node, self) => (node.self += self / divideB));
  }
  return {
    title: `${b.title}, against ${a.title}`,
    kind: b.kind,
    facts: [...named('before', a.facts), ...named('now', b.facts)],
    requests: undefined,
    per,
    seconds: b.seconds,
    compared: true,
    threads: [...roots].map(([name, root]) => ({ name, root })),
  };
}

function divisorOf({ requests, seconds, title }: Recording, per: 'request' | 'second'): number {
  const divisor = per === 'request' ? (requests ?? Number.NaN) : seconds;
  if (divisor > 0) return divisor;
  throw new Error(`${title} does not say how long it was recorded, or how much it carried`);
}

const named = (when: string, facts: readonly Fact[]): readonly Fact[] =>
  facts.map(([name, value]) => [`${when}: ${name}`, value]);

function merge(into: CallNode, from: CallNode, add: (node: CallNode, self: number) => void): void {
  add(into, from.self);
  for (const child of from.children) merge(into.child(child.frame, movedKey), child, add);
}
