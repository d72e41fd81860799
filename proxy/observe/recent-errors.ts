/**
 * What failed of late in a thread, for people who look (docs/meshctl-diagnostics.md): each failure once,
 * however often it came, and no more of them than one can read.
 */
import type { Direction } from '../model/exchange.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { RecentError } from '../model/thread-state.ts';

/** Different ones that are kept; more push out those that were not seen for longest. */
const KEPT_MAX = 16;
/** A sentence may hold what a client sent. */
const SENTENCE_CHARS_MAX = 512;

const TIMES = /\b[\d.]+ (?:s|min)\b/g;

interface Kept {
  readonly direction: Direction;
  readonly error: string;
  sentence: string;
  count: number;
  lastMs: number;
}

/** The latest failures of one thread, each sentence once. */
export class RecentErrors {
  /** The latest last. */
  readonly #kept = new Map<string, Kept>();

  add(direction: Direction, { code, sentence }: MeshError, nowMs: number): void {
    const said = sentence.slice(0, SENTENCE_CHARS_MAX);
    // For how long something fails grows, and is no other failure.
    const key = `${direction} ${code} ${said.replaceAll(TIMES, '')}`;
    const kept = this.#kept.get(key) ?? {
      direction,
      error: code,
      sentence: '',
      count: 0,
      lastMs: 0,
    };
    kept.sentence = said;
    kept.count++;
    kept.lastMs = nowMs;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size <= KEPT_MAX) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  /** The latest first. */
  describe(nowMs: number): readonly RecentError[] {
    return [...this.#kept.values()].toReversed().map(({ lastMs, ...kept }) => ({
      ...kept,
      agoMs: Math.max(0, Math.round(nowMs - lastMs)),
    }));
  }
}
