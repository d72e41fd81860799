/** Values with their intervals, a row each, in groups: what costs how much, and how sure that is. */
import { bottomAxis } from './axis.ts';
import type { Frame } from './axis.ts';
import { PLOT_WIDTH } from './line-plot.ts';
import { shape } from './palette.ts';
import { extentOf, linearScale } from './scale.ts';
import { element, escapeText, label, stroke, tipped } from './svg.ts';

const ROW = 22;
const GROUP = 26;
const LEFT = 128;
const RIGHT = 486;
const TOP = 6;
const BELOW = 48;
const CAP = 4;

/** One value and its interval in the look of a palette slot. */
export interface IntervalRow {
  readonly name: string;
  readonly slot: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly tip: string;
}

/** Rows under a heading. */
export interface IntervalGroup {
  readonly name: string;
  readonly rows: readonly IntervalRow[];
}

/** What is drawn; the axis begins at 0, for lengths are compared. */
export interface IntervalPlot {
  readonly title: string;
  readonly axis: string;
  readonly show: (value: number) => string;
  readonly groups: readonly IntervalGroup[];
}

/** The plot as a figure with its title as caption, as high as it has rows. */
export function intervalPlot({ title, axis, show, groups }: IntervalPlot): string {
  const rows = groups.flatMap((group) => group.rows);
  const height = groups.length * GROUP + rows.length * ROW;
  const frame: Frame = { left: LEFT, right: RIGHT, top: TOP, bottom: TOP + height + CAP };
  const [, most] = extentOf(rows.flatMap(({ value, high }) => [value, high]));
  const scale = linearScale([0, most], [LEFT, RIGHT]);
  let y = TOP;
  const drawn: string[] = [];
  for (const group of groups) {
    y += GROUP;
    drawn.push(label(group.name, 2, y - GROUP / 3, { anchor: 'start', className: 'group' }));
    for (const row of group.rows) {
      drawn.push(drawRow(row, y + ROW / 2, scale.at, show));
      y += ROW;
    }
  }
  const svg = element(
    'svg',
    { viewBox: `0 0 ${PLOT_WIDTH} ${frame.bottom + BELOW}`, role: 'img', 'aria-label': title },
    bottomAxis(frame, { name: axis, scale, show: String }),
    stroke(LEFT, TOP, LEFT, frame.bottom, 'axis'),
    ...drawn,
  );
  return element('figure', {}, element('figcaption', {}, escapeText(title)), svg);
}

function drawRow(
  row: IntervalRow,
  y: number,
  at: (value: number) => number,
  show: (value: number) => string,
): string {
  const x = at(row.value);
  // An interval without end is drawn to the edge.
  const low = at(Math.max(0, row.low));
  const high = Number.isFinite(row.high) ? at(row.high) : RIGHT;
  return element(
    'g',
    { class: `s${row.slot}` },
    label(row.name, LEFT - 10, y + CAP, { anchor: 'end', className: 'tick' }),
    tipped(
      row.tip,
      element('rect', {
        x: LEFT,
        y: y - ROW / 2,
        width: PLOT_WIDTH - LEFT,
        height: ROW,
        class: 'hit',
      }),
      stroke(LEFT, y, x, y, 'stem'),
      stroke(low, y, high, y, 'bar'),
      stroke(low, y - CAP, low, y + CAP, 'bar'),
      stroke(high, y - CAP, high, y + CAP, 'bar'),
      shape(row.slot, x, y),
      label(show(row.value), RIGHT + 14, y + CAP, { anchor: 'start', className: 'amount' }),
    ),
  );
}
