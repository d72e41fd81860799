/** A recording in a terminal: where it went by stage, and the functions that took most. */
import { frameLabel } from './frames.ts';
import type { Recording } from './recording.ts';
import { type Share, summarize } from './summary.ts';

const FUNCTIONS = 12;
const NAME_COLUMNS = 13;
const COLUMNS = 10;

/** Tables of text, a line each, ending with a line break. */
export function renderText(recording: Recording): string {
  const { busy, functions, stages, unit } = summarize(recording);
  const cells = recording.compared ? changed : (share: Share<unknown>) => part(share, busy.now);
  const head = recording.compared ? ['before', 'now', 'change'] : ['', 'share'];
  const row = (name: string, share: Share<unknown>): string =>
    `${name.padEnd(NAME_COLUMNS)}${cells(share)}`;
  const lines = [
    recording.title,
    '',
    `${unit.label.padEnd(NAME_COLUMNS)}${head.map((name) => name.padStart(COLUMNS)).join('')}`,
    ...stages.filter(({ of }) => of !== 'idle').map((share) => row(share.of, share)),
    row('all', busy),
    '',
    ...functions.slice(0, FUNCTIONS).map((share) => `${cells(share)}  ${frameLabel(share.of)}`),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

const changed = ({ before, now }: Share<unknown>): string =>
  [amount(before), amount(now), signed(now - before)].map((it) => it.padStart(COLUMNS)).join('');

function part({ now }: Share<unknown>, all: number): string {
  const percent = all > 0 ? `${((now / all) * 100).toFixed(1)} %` : '-';
  return `${amount(now).padStart(COLUMNS)}${percent.padStart(COLUMNS)}`;
}

/** With its sign: "+1.23". */
export const signed = (value: number): string =>
  `${value < 0 ? '-' : '+'}${amount(Math.abs(value))}`;

/** Three figures, or all before the point: "0.042", "1.23", "12.3", "1234". */
export function amount(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
