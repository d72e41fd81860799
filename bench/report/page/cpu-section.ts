/** CPU per request of each arm, with intervals. */
import { amount, bounded } from '../format.ts';
import { intervalPlot } from '../plot/interval-plot.ts';
import type { IntervalGroup, IntervalRow } from '../plot/interval-plot.ts';
import { plots, section } from './section.ts';
import type { PageParts } from './section.ts';

const FIGURE = 'cpuUsPerRequest';

/** One plot a scenario, its phases as groups of rows. */
export function cpuSection({ index, slots }: PageParts): string {
  const scenarios = new Map<string, IntervalGroup[]>();
  for (const { scenario, phase, arms } of index.phases()) {
    const rows = arms.flatMap((arm): IntervalRow[] => {
      const figure = index.figure({ scenario, phase, arm }, FIGURE);
      if (figure === undefined) return [];
      const tip = `${arm}, ${phase}: ${bounded(figure)} us a request, ${figure.blocks.length} blocks`;
      const { value, low, high } = figure;
      return [{ name: arm, slot: slots.get(arm) ?? 0, value, low, high, tip }];
    });
    if (rows.length === 0) continue;
    const groups = scenarios.get(scenario) ?? [];
    scenarios.set(scenario, groups);
    groups.push({ name: phase, rows });
  }
  const figures = [...scenarios].map(([title, groups]) =>
    intervalPlot({ title, axis: 'CPU us a request', show: amount, groups }),
  );
  return section(
    'cpu',
    'CPU per request',
    'User and system time of all processes of an arm: the median of its blocks and its 95 % interval. Lower is better. Arms whose intervals overlap here may still differ: the paired ratio in the tables is the sharper figure.',
    plots(figures),
  );
}
