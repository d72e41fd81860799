/** From values to pixels, and the round values that are written at an axis. */

/** Where values lie: `at` in pixels; `ticks` are round values within the domain, ascending. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** First and last of something, values or pixels. */
export type Extent = readonly [first: number, last: number];

const TICKS_ABOUT = 5;
/** More labels than this on a logarithmic axis, and only whole powers of ten are labelled. */
const LOG_TICKS_MAX = 8;

/** Smallest and largest finite value; 0 to 1 when there is none. */
export function extentOf(values: Iterable<number>): Extent {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Even steps of 1, 2 or 5 times a power of ten; the domain grows to whole steps. */
export function linearScale([low, high]: Extent, [from, to]: Extent): Scale {
  const step = roundStep((high - low || Math.abs(high) || 1) / TICKS_ABOUT);
  const first = Math.floor(low / step + 1e-9) * step;
  const last = Math.max(first + step, Math.ceil(high / step - 1e-9) * step);
  const count = Math.round((last - first) / step);
  return {
    at: (value) => from + ((value - first) / (last - first)) * (to - from),
    // Rounded, for 3 * 0.1 is not 0.3.
    ticks: Array.from({ length: count + 1 }, (_, i) => Number((first + i * step).toPrecision(12))),
  };
}

/** Equal factors take equal room; the domain, above 0, grows to the next tick on both sides. */
export function logScale([low, high]: Extent, [from, to]: Extent): Scale {
  const smallest = Math.max(low, Number.MIN_VALUE);
  const largest = Math.max(high, smallest);
  const steps: number[] = [];
  // One more power on each side: a logarithm just below a whole number is rounded to it.
  const [least, most] = [Math.floor(Math.log10(smallest)) - 1, Math.ceil(Math.log10(largest)) + 1];
  for (let power = least; power <= most; power++) {
    for (const digit of [1, 2, 5]) steps.push(Number(`${digit}e${power}`));
  }
  const first = steps.findLast((step) => step <= smallest) ?? smallest;
  const last = steps.find((step) => step >= largest && step > first) ?? first * 10;
  const within = steps.filter((step) => step >= first && step <= last);
  const decades = within.filter((step) => Number.isInteger(Math.log10(step)));
  const length = Math.log10(last / first);
  return {
    at: (value) => from + (Math.log10(Math.max(value, first) / first) / length) * (to - from),
    ticks: within.length > LOG_TICKS_MAX && decades.length > 1 ? decades : within,
  };
}

function roundStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(about));
  const digit = [1, 2, 5, 10].find((each) => each >= about / power - 1e-9) ?? 10;
  return digit * power;
}
