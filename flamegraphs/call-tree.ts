/**
 * Calls as a tree: a node is a function as it was reached by one stack. What a node holds itself
 * counts once; totals are sums over what is below.
 */
import { type Frame, frameKey } from './frames.ts';

/** What tells a frame from its siblings. */
export type KeyOf = (frame: Frame) => string;

/** A node. Every weight is finite and at least 0. */
export class CallNode {
  readonly frame: Frame;
  /** Of the function itself, without what it called. */
  self = 0;
  /** The same before, where two recordings are compared; 0 otherwise. */
  before = 0;
  readonly #children = new Map<string, CallNode>();

  constructor(frame: Frame) {
    this.frame = frame;
  }

  get children(): readonly CallNode[] {
    return [...this.#children.values()];
  }

  /** The child of that frame, made when there is none. */
  child(frame: Frame, keyOf: KeyOf = frameKey): CallNode {
    const key = keyOf(frame);
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const made = new CallNode(frame);
    this.#children.set(key, made);
    return made;
  }
}

/** Every node, parents before their children. */
export function* nodesOf(root: CallNode): Generator<CallNode> {
  const left = [root];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    yield node;
    left.push(...node.children);
  }
}

/** All of a tree, now. */
export function totalOf(root: CallNode): number {
  let total = 0;
  for (const { self } of nodesOf(root)) total += self;
  return total;
}

/** All of a tree, before. */
export function totalBefore(root: CallNode): number {
  let total = 0;
  for (const { before } of nodesOf(root)) total += before;
  return total;
}
