/** How Culvert's cost went from commit to commit, as ratios: they carry over between machines. */
import type { ArmName, BenchRun, Comparison } from '../../model.ts';
import { bounded } from '../format.ts';
import { linePlot, PLOT_FRAME } from '../plot/line-plot.ts';
import type { Axis } from '../plot/axis.ts';
import type { LinePoint } from '../plot/line-plot.ts';
import { extentOf, linearScale } from '../plot/scale.ts';
import { plots, section } from './section.ts';

const FIGURE = 'cpuUsPerRequest';
const AGAINST: ReadonlySet<ArmName> = new Set(['haproxy', 'culvert-base']);
/** The phase that tells most of a scenario, where there is a choice. */
const PHASE = /^saturat/;
const SLOT = 1;
const LABELS_MAX = 7;
const COMMIT_CHARACTERS = 7;

interface Moment {
  readonly run: number;
  readonly comparison: Comparison;
}

/** One plot a scenario and arm compared with; nothing before there are two runs. */
export function historySection(runs: readonly BenchRun[]): string {
  const ordered = runs.toSorted((a, b) =>
    a.conditions.startedAt < b.conditions.startedAt ? -1 : 1,
  );
  const figures = [...seriesOf(ordered)]
    .filter(([, moments]) => moments.length > 1)
    .map(([title, moments]) => draw(title, moments, ordered));
  return section(
    'history',
    'History',
    'CPU a request as a ratio, from run to run, with its interval. Absolute times are not drawn: they do not carry over between machines or days.',
    plots(figures),
  );
}

function seriesOf(runs: readonly BenchRun[]): ReadonlyMap<string, Moment[]> {
  const series = new Map<string, Moment[]>();
  for (const [run, { comparisons }] of runs.entries()) {
    const ratios = comparisons.filter(
      ({ name, kind, arm, against }) =>
        name === FIGURE && kind === 'ratio' && arm.startsWith('culvert') && AGAINST.has(against),
    );
    for (const comparison of ratios) {
      const { scenario, phase, arm, against } = comparison;
      const rivals = ratios.filter((one) => one.scenario === scenario && one.against === against);
      const told = rivals.some((one) => PHASE.test(one.phase)) ? PHASE.test(phase) : true;
      if (!told) continue;
      const title = `${scenario}, ${phase}: ${arm} / ${against}`;
      const moments = series.get(title) ?? [];
      series.set(title, moments);
      moments.push({ run, comparison });
    }
  }
  return series;
}

function draw(title: string, moments: readonly Moment[], runs: readonly BenchRun[]): string {
  const nameOf = (run: number): string =>
    (runs[run]?.conditions.commit ?? '').slice(0, COMMIT_CHARACTERS);
  const points = moments.map(({ run, comparison }): LinePoint => {
    const { value, low, high, pairs } = comparison;
    const day = (runs[run]?.conditions.startedAt ?? '').slice(0, 10);
    const tip = `${nameOf(run)}, ${day}: ${bounded(comparison)}, ${pairs} pairs`;
    // A bound without end has no place on the axis.
    const bounds = Number.isFinite(high) ? { low, high } : {};
    return { x: run, y: value, ...bounds, tip, shown: true };
  });
  const values = points.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  return linePlot({
    title,
    x: runAxis(runs.length, nameOf),
    y: {
      name: 'ratio',
      scale: linearScale(extentOf([...values, 1]), [PLOT_FRAME.bottom, PLOT_FRAME.top]),
      show: String,
    },
    lines: [{ slot: SLOT, points }],
    level: 1,
  });
}

/** Runs at even distances, some of them named. */
function runAxis(count: number, nameOf: (run: number) => string): Axis {
  const room = PLOT_FRAME.right - PLOT_FRAME.left;
  const every = Math.ceil(count / LABELS_MAX);
  const runs = Array.from({ length: count }, (_, run) => run);
  return {
    name: 'commit',
    scale: { at: (run) => PLOT_FRAME.left + ((run + 0.5) / count) * room, ticks: [] },
    ticks: runs.filter((run) => (count - 1 - run) % every === 0),
    show: nameOf,
  };
}
