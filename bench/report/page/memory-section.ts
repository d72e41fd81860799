/** Memory over the time of a phase. */
import type { ArmName, MemoryPoint } from '../../model.ts';
import { megabytes } from '../format.ts';
import { linePlot, PLOT_FRAME } from '../plot/line-plot.ts';
import type { Line } from '../plot/line-plot.ts';
import { legend } from '../plot/palette.ts';
import { extentOf, linearScale } from '../plot/scale.ts';
import type { PhasePlace } from '../run-index.ts';
import { plots, section } from './section.ts';
import type { PageParts } from './section.ts';

/** More would not be told apart on the page, and make it heavy. */
const POINTS_MAX = 120;
const KB_PER_MB = 1_024;

/** One plot a phase that was looked at more than once. */
export function memorySection({ index, slots }: PageParts): string {
  const drawn = new Set<string>();
  const figures = index.phases().flatMap((place) => {
    const lines = place.arms.flatMap((arm): Line[] => {
      const points = thin(index.memory({ ...place, arm })?.points ?? []);
      if (points.length < 2) return [];
      drawn.add(arm);
      const slot = slots.get(arm) ?? 0;
      return [
        {
          slot,
          points: points.map((one) => ({
            x: secondsOf(one),
            y: one.rssKb / KB_PER_MB,
            tip: tipOf(arm, one),
          })),
        },
        {
          slot,
          faint: true,
          points: points.map((one) => ({ x: secondsOf(one), y: one.rssAnonKb / KB_PER_MB })),
        },
      ];
    });
    return lines.length === 0 ? [] : [draw(place, lines)];
  });
  const arms = index.arms().filter((arm) => drawn.has(arm));
  return section(
    'memory',
    'Memory over time',
    'Resident memory of all processes of an arm (strong line) and the anonymous part of it, which is its own (faint line).',
    figures.length === 0 ? '' : legend(slots, arms),
    plots(figures),
  );
}

const secondsOf = ({ atMs }: MemoryPoint): number => atMs / 1_000;

function tipOf(arm: ArmName, point: MemoryPoint): string {
  const [rss, anonymous, pss] = [point.rssKb, point.rssAnonKb, point.pssKb].map(megabytes);
  return `${arm}, ${secondsOf(point).toFixed(0)} s: RSS ${rss} MB, anonymous ${anonymous}, PSS ${pss}`;
}

function draw({ scenario, phase }: PhasePlace, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const [, most] = extentOf(points.map(({ y }) => y));
  return linePlot({
    title: `${scenario}, ${phase}`,
    x: {
      name: 'seconds since the phase began',
      scale: linearScale(extentOf(points.map(({ x }) => x)), [PLOT_FRAME.left, PLOT_FRAME.right]),
      show: String,
    },
    y: {
      name: 'MB',
      scale: linearScale([0, most], [PLOT_FRAME.bottom, PLOT_FRAME.top]),
      show: String,
    },
    lines,
  });
}

/** At most POINTS_MAX of the points, the first and the last among them. */
function thin(points: readonly MemoryPoint[]): readonly MemoryPoint[] {
  const every = Math.ceil(points.length / POINTS_MAX);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
