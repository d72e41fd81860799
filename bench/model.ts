/**
 * The nouns of a bench run: what was measured, under which conditions, what it says. Plain data; a
 * run is written as JSON lines, kept in `bench/results/`, and drawn by `bench/report/`.
 *
 *   run ── scenario ── phase ── arm ── blocks ──> figures (one value a block)
 *                                                   └──> comparisons (paired by round) ──> verdicts
 */
import type { SparseCounts } from '../api/histogram.ts';

/** What carries the traffic: no proxy, ours, or a peer. */
export type ArmName =
  | 'direct'
  | 'culvert'
  | 'haproxy'
  | 'nginx'
  | 'nghttpx'
  | 'envoy'
  | (string & {});

/** Where and with what a run was made; printed with every figure. */
export interface Conditions {
  readonly startedAt: string;
  /** Commit of the tree, with "+" when the tree was changed. */
  readonly commit: string;
  readonly seed: number;
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  /** Name and version of each program that took part. */
  readonly versions: Readonly<Record<string, string>>;
  /** Cores the proxies were pinned to, and the generator with the backends. */
  readonly proxyCore: number;
  readonly loadCore: number;
}

/** One figure of one arm in one phase: the value of each valid block, in the order of rounds. */
export interface Figure {
  readonly scenario: string;
  /** "saturation", "5000 rps", "idle", … */
  readonly phase: string;
  readonly arm: ArmName;
  /** As `cpuUsPerRequest`, `p99Us`, `rssAnonKb`: the unit is in the name. */
  readonly name: string;
  /** Median of the blocks and its bootstrap 95 % interval. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly blocks: readonly number[];
}

/** An arm against another one, paired by round: ratio (B / A) or difference (B - A) of a figure. */
export interface Comparison {
  readonly scenario: string;
  readonly phase: string;
  readonly name: string;
  readonly arm: ArmName;
  readonly against: ArmName;
  readonly kind: 'ratio' | 'difference';
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Level of the interval: 0.95 as reported, 0.999 where a gate reads it. */
  readonly level: number;
  readonly pairs: number;
}

/** Latencies of an arm in a phase, merged over its valid blocks (api/histogram.ts). */
export interface LatencyCurve {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
  readonly counts: SparseCounts;
}

/** Memory of an arm over the time of a phase. */
export interface MemorySeries {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
  /** Milliseconds since the phase began, and kilobytes. */
  readonly points: readonly MemoryPoint[];
}

/** One look at the memory of all processes of an arm. */
export interface MemoryPoint {
  readonly atMs: number;
  readonly rssKb: number;
  readonly rssAnonKb: number;
  readonly pssKb: number;
}

/** What happened to the blocks of a phase. */
export interface BlockTally {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
  readonly valid: number;
  /** Blocks that were repeated, by reason: "steal", "late generator". */
  readonly voided: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly errors: number;
}

/** `undecided`: too few valid blocks, or a missing peer, to say either. */
export type Outcome = 'pass' | 'fail' | 'undecided';

/** One line of judgement: a budget, the number held against it, and what follows. */
export interface Verdict {
  readonly outcome: Outcome;
  /** What is bounded, as "http1-inbound CPU per request to HAProxy". */
  readonly what: string;
  /** The number and its interval, in words. */
  readonly measured: string;
  readonly budget: string;
}

/** Something that was left out, and why. */
export interface Skip {
  readonly what: string;
  readonly why: string;
}

/** All of one run. */
export interface BenchRun {
  readonly conditions: Conditions;
  readonly figures: readonly Figure[];
  readonly comparisons: readonly Comparison[];
  readonly curves: readonly LatencyCurve[];
  readonly memory: readonly MemorySeries[];
  readonly tallies: readonly BlockTally[];
  readonly verdicts: readonly Verdict[];
  readonly skipped: readonly Skip[];
  /** What a reader must know to read the numbers, a sentence each. */
  readonly notes: readonly string[];
}
