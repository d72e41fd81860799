/** One recording: what the threads of one or more sidecars did in some seconds. */
import { type CallNode, nodesOf } from './call-tree.ts';

/** Weights of `cpu` are microseconds, of `allocations` bytes. */
export type RecordingKind = 'cpu' | 'allocations';

/** One thread of it. */
export interface ThreadRecording {
  /** "data thread 0", "main thread"; of several sidecars "sidecar 2, data thread 0". */
  readonly name: string;
  readonly root: CallNode;
}

/** A name and what it is, for people. */
export type Fact = readonly [name: string, value: string];

/** Name of the fact that something else worked on the core meanwhile, or took it away. */
export const DISTURBED = 'disturbed by';

/** All of it; also two of them compared. */
export interface Recording {
  readonly title: string;
  readonly kind: RecordingKind;
  /** When, where, of what; shown as they are. */
  readonly facts: readonly Fact[];
  /** Requests that were answered meanwhile, of all threads together; undefined: nobody counted. */
  readonly requests: number | undefined;
  /**
   * What weights are of. A single recording holds all of it; of two that are compared each is per
   * request, where both know how many, or per second.
   */
  readonly per: 'recording' | 'request' | 'second';
  /** How long each thread was watched. */
  readonly seconds: number;
  /** Nodes have weights before and after. */
  readonly compared: boolean;
  readonly threads: readonly ThreadRecording[];
}

/** How weights are shown: divided, with a unit. */
export interface Unit {
  readonly divisor: number;
  readonly label: string;
}

/** The unit in which this recording says something. */
export function unitOf({ kind, per, requests }: Recording): Unit {
  const base = kind === 'cpu' ? 'us' : 'B';
  if (per !== 'recording') return { divisor: 1, label: `${base}/${per}` };
  if (requests !== undefined) return { divisor: requests, label: `${base}/request` };
  return kind === 'cpu' ? { divisor: 1000, label: 'ms' } : { divisor: 1024, label: 'KiB' };
}

/** A thread that did nothing but wait has nothing to show. */
export const isBusy = ({ root }: ThreadRecording): boolean => {
  for (const { before, frame, self } of nodesOf(root)) {
    if (frame.stage !== 'idle' && self + before > 0) return true;
  }
  return false;
};
