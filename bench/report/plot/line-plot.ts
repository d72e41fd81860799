/** Lines over two axes, with marks that can be pointed at. */
import { bottomAxis, leftAxis } from './axis.ts';
import type { Axis, Frame } from './axis.ts';
import { shape } from './palette.ts';
import { element, escapeText, stroke, tipped } from './svg.ts';

/** Size of the drawing in its own units. */
export const PLOT_WIDTH = 560;
const PLOT_HEIGHT = 300;
/** The area within. */
export const PLOT_FRAME: Frame = { left: 62, right: 542, top: 28, bottom: 252 };

const HIT_RADIUS = 9;

/** A point of a line; one with a `tip` can be pointed at, one that is `shown` has its shape drawn. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
  readonly tip?: string;
  readonly shown?: boolean;
}

/** A line in the look of a palette slot; a `faint` one goes with another. */
export interface Line {
  readonly slot: number;
  readonly points: readonly LinePoint[];
  readonly faint?: boolean;
}

/** What is drawn; `level` is a level line for reference. */
export interface LinePlot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly level?: number;
}

/** The plot as a figure with its title as caption. */
export function linePlot({ title, x, y, lines, level }: LinePlot): string {
  const reference =
    level === undefined
      ? ''
      : stroke(PLOT_FRAME.left, y.scale.at(level), PLOT_FRAME.right, y.scale.at(level), 'level');
  // The first line is the one to be seen: it is drawn last, on top.
  const drawn = lines.toReversed().map((line) => {
    const places = line.points.map((point) => `${at(x, point.x)} ${at(y, point.y)}`);
    const path =
      places.length > 1 ? element('path', { d: `M${places.join('L')}`, class: 'line' }) : '';
    const marks = line.points.map((point) => mark(line, point, x, y)).join('');
    return element(
      'g',
      { class: `s${line.slot}${line.faint === true ? ' faint' : ''}` },
      path,
      marks,
    );
  });
  const svg = element(
    'svg',
    { viewBox: `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`, role: 'img', 'aria-label': title },
    bottomAxis(PLOT_FRAME, x),
    leftAxis(PLOT_FRAME, y),
    reference,
    ...drawn,
  );
  return element('figure', {}, element('figcaption', {}, escapeText(title)), svg);
}

function mark(line: Line, point: LinePoint, x: Axis, y: Axis): string {
  const { low, high, tip, shown } = point;
  const left = x.scale.at(point.x);
  const top = y.scale.at(point.y);
  const bar =
    low === undefined || high === undefined
      ? ''
      : stroke(left, y.scale.at(low), left, y.scale.at(high), 'bar');
  const drawn = bar + (shown === true ? shape(line.slot, left, top) : '');
  if (tip === undefined) return drawn;
  return tipped(tip, element('circle', { cx: left, cy: top, r: HIT_RADIUS, class: 'hit' }), drawn);
}

function at({ scale }: Axis, value: number): string {
  return scale.at(value).toFixed(1);
}
