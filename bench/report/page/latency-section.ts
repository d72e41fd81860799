/** Latency by percentile: the tail drawn as wide as the middle. */
import { latencyQuantilesUs } from '../../../api/histogram.ts';
import type { ArmName } from '../../model.ts';
import { canTell, mergeCounts, totalOf } from '../../stats/merge.ts';
import { duration, percentile } from '../format.ts';
import { legend } from '../plot/palette.ts';
import { extentOf, logScale } from '../plot/scale.ts';
import { linePlot, PLOT_FRAME } from '../plot/line-plot.ts';
import type { Line, LinePoint } from '../plot/line-plot.ts';
import type { PhasePlace, RunIndex } from '../run-index.ts';
import { plots, section } from './section.ts';
import type { PageParts } from './section.ts';

const NAMED: readonly number[] = [0.5, 0.9, 0.99, 0.999, 0.9999];
/** Between p0 and p99.99, even on an axis of 1 / (1 - p). */
const POINTS_A_DECADE = 12;
const DECADES = 4;

const QUANTILES: readonly number[] = [
  ...Array.from(
    { length: POINTS_A_DECADE * DECADES + 1 },
    (_, i) => 1 - 10 ** (-i / POINTS_A_DECADE),
  ),
  ...NAMED,
].toSorted((a, b) => a - b);

const beyond = (quantile: number): number => 1 / (1 - quantile);

/** One plot a phase that has curves. */
export function latencySection({ index, slots }: PageParts): string {
  const drawn = new Set<ArmName>();
  const figures = index.phases().flatMap((place) => {
    const curves = curvesOf(index, place);
    for (const { arm } of curves) drawn.add(arm);
    return curves.length === 0 ? [] : [draw(place, linesOf(curves, slots))];
  });
  const arms = index.arms().filter((arm) => drawn.has(arm));
  return section(
    'latency',
    'Latency by percentile',
    'From the intended send to the last byte, all valid blocks of an arm merged. Lower is better; a line ends where fewer than ten requests lie beyond. What an arm adds is its distance to direct.',
    figures.length === 0 ? '' : legend(slots, arms),
    plots(figures),
  );
}

interface Curve {
  readonly arm: ArmName;
  /** Quantile and microseconds, ascending. */
  readonly values: ReadonlyMap<number, number>;
}

function curvesOf(index: RunIndex, { scenario, phase, arms }: PhasePlace): Curve[] {
  return arms.flatMap((arm) => {
    const curve = index.curve({ scenario, phase, arm });
    if (curve === undefined) return [];
    const counts = mergeCounts([curve.counts]);
    const total = totalOf(counts);
    const quantiles = QUANTILES.filter((quantile) => canTell(total, quantile));
    const values = latencyQuantilesUs(counts, quantiles);
    if (values === undefined) return [];
    return [{ arm, values: new Map(quantiles.map((quantile, i) => [quantile, values[i] ?? 0])) }];
  });
}

/** Culvert in front, without a proxy at the back. */
function linesOf(curves: readonly Curve[], slots: PageParts['slots']): Line[] {
  const tips = new Map(NAMED.map((quantile) => [quantile, tipOf(curves, quantile)]));
  return curves
    .toSorted((a, b) => Number(a.arm === 'direct') - Number(b.arm === 'direct'))
    .map(({ arm, values }) => ({
      slot: slots.get(arm) ?? 0,
      points: [...values].map(([quantile, us]): LinePoint => {
        const point = { x: beyond(quantile), y: us };
        const tip = tips.get(quantile);
        return tip === undefined ? point : { ...point, shown: true, tip };
      }),
    }));
}

/** All arms at once, for their marks lie on each other where they are alike. */
function tipOf(curves: readonly Curve[], quantile: number): string {
  const told = curves.filter(({ values }) => values.has(quantile));
  const lines = told.map(({ arm, values }) => `${arm}: ${duration(values.get(quantile) ?? 0)}`);
  return [percentile(quantile), ...lines].join('\n');
}

function draw({ scenario, phase }: PhasePlace, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const [, furthest] = extentOf(points.map(({ x }) => x));
  const ticks = NAMED.filter((quantile) => beyond(quantile) <= furthest * 1.001);
  return linePlot({
    title: `${scenario}, ${phase}`,
    x: {
      name: 'percentile',
      scale: logScale([1, furthest], [PLOT_FRAME.left, PLOT_FRAME.right]),
      ticks: ticks.map(beyond),
      show: (value) => percentile(1 - 1 / value),
    },
    y: {
      name: 'latency (logarithmic)',
      scale: logScale(extentOf(points.map(({ y }) => y)), [PLOT_FRAME.bottom, PLOT_FRAME.top]),
      show: tickOf,
    },
    lines,
  });
}

/** Ticks are round: "50 us", "2 ms". */
function tickOf(us: number): string {
  if (us < 1_000) return `${us} us`;
  return us < 1e6 ? `${us / 1_000} ms` : `${us / 1e6} s`;
}
