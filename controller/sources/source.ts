/** Where the mesh's resources come from: files today, the Kubernetes API later. */
import type { Resource } from '../resources/resource.ts';

/** One thing that is wrong with what a source reads. */
export interface Problem {
  /** Where: a file, as the settings name it. */
  readonly origin: string;
  /** From 1; undefined when the problem has no line. */
  readonly line: number | undefined;
  /** "Service demo/web", where it could be read. */
  readonly resource: string | undefined;
  /** "spec.ports[0].port"; empty when the problem is not in a field. */
  readonly path: string;
  readonly reason: string;
  /** A last good version of what is refused stays in force. */
  readonly lastGoodKept: boolean;
}

/** All that a source holds at one moment. */
export interface Snapshot {
  /** One of each identity. */
  readonly resources: readonly Resource[];
  readonly problems: readonly Problem[];
  /** Files, or objects of a watch. */
  readonly inputs: number;
}

/** A watch of resources. */
export interface Source {
  /**
   * Resolves when the first snapshot was handed over; `onSnapshot` is called for that one and for
   * each change after it, problems included. Never rejects: what cannot be read is a problem.
   */
  start(onSnapshot: (snapshot: Snapshot) => void): Promise<void>;
  /** No call of `onSnapshot` comes once this has resolved. */
  stop(): Promise<void>;
}

/** "demo.yaml:12: Service demo/web: spec.ports[0].port: must be …; its last good version …". */
export function formatProblem(problem: Problem): string {
  const line = problem.line === undefined ? '' : `:${problem.line}`;
  const parts = [`${problem.origin}${line}`, problem.resource, problem.path || undefined];
  const where = parts.filter((part) => part !== undefined).join(': ');
  const kept = problem.lastGoodKept ? '; the last good version stays in force' : '';
  return `${where}: ${problem.reason}${kept}`;
}
