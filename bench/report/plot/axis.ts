/** The frame that plots stand in: its axes with ticks, grid lines and names. */
import type { Scale } from './scale.ts';
import { label, stroke } from './svg.ts';

/** Pixels of the plotting area within its drawing. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** An axis; `ticks` of the scale when absent. */
export interface Axis {
  readonly name: string;
  readonly scale: Scale;
  readonly ticks?: readonly number[];
  readonly show: (value: number) => string;
}

const TICK_GAP = 8;
const TEXT_HALF = 4;
const NAME_BELOW = 38;

/** Values along the lower edge, with upright grid lines. */
export function bottomAxis(frame: Frame, { name, scale, ticks = scale.ticks, show }: Axis): string {
  const marks = ticks.map((tick) => {
    const x = scale.at(tick);
    return (
      stroke(x, frame.top, x, frame.bottom, 'grid') +
      label(show(tick), x, frame.bottom + TICK_GAP + 2 * TEXT_HALF, { className: 'tick' })
    );
  });
  const middle = (frame.left + frame.right) / 2;
  return [
    ...marks,
    stroke(frame.left, frame.bottom, frame.right, frame.bottom, 'axis'),
    label(name, middle, frame.bottom + NAME_BELOW, { className: 'name' }),
  ].join('');
}

/** Values along the left edge, with level grid lines; the name stands above the axis. */
export function leftAxis(frame: Frame, { name, scale, ticks = scale.ticks, show }: Axis): string {
  const marks = ticks.map((tick) => {
    const y = scale.at(tick);
    return (
      stroke(frame.left, y, frame.right, y, 'grid') +
      label(show(tick), frame.left - TICK_GAP, y + TEXT_HALF, { anchor: 'end', className: 'tick' })
    );
  });
  return [
    ...marks,
    stroke(frame.left, frame.top, frame.left, frame.bottom, 'axis'),
    label(name, 2, frame.top - TICK_GAP - TEXT_HALF, { anchor: 'start', className: 'name' }),
  ].join('');
}
