/** The latency curve of an arm: the histograms of its valid blocks, added up slot by slot. */
import { type SparseCounts, toSparseCounts } from '../../api/histogram.ts';
import type { LoadResult } from '../load/plan.ts';
import { mergeCounts } from '../stats/merge.ts';

/** Percentiles are never averaged: the counts are merged. */
export const mergeCurves = (rounds: readonly (LoadResult | undefined)[]): SparseCounts =>
  toSparseCounts(
    mergeCounts(rounds.flatMap((result) => (result === undefined ? [] : [result.latencyUs]))),
  );
