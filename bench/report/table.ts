/** The tables on the terminal: one a scenario and phase, a row an arm, at most 120 columns wide. */
import type { BenchRun } from '../model.ts';
import { columnsOf } from './columns.ts';
import { NOTHING } from './format.ts';
import { RunIndex } from './run-index.ts';
import type { PhasePlace } from './run-index.ts';

const WIDTH_MAX = 120;
const GAP = '  ';

/** A column of texts: the title, then one a row. */
type TextColumn = readonly string[];

/** All tables of a run, an empty line between them. */
export function renderTables(run: BenchRun): string {
  const index = new RunIndex(run);
  return index
    .phases()
    .map((phase) => renderPhase(index, phase))
    .join('\n');
}

function renderPhase(index: RunIndex, { scenario, phase, arms }: PhasePlace): string {
  const places = arms.map((arm) => ({ scenario, phase, arm }));
  const columns = columnsOf(index, places, 'terminal').map(({ title, cell }) => [
    title,
    ...places.map((place) => cell(index, place) ?? NOTHING),
  ]);
  const names = ['', ...arms];
  const parts = fit(names, columns).map((part) => layOut(names, part));
  return `${scenario}, ${phase}\n${parts.join('')}`;
}

/** Columns in as many parts as the width needs; each part has the names in front. */
function fit(names: TextColumn, columns: readonly TextColumn[]): readonly TextColumn[][] {
  const parts: TextColumn[][] = [[]];
  let used = widthOf(names);
  for (const column of columns) {
    const width = GAP.length + widthOf(column);
    if (used + width > WIDTH_MAX && parts.at(-1)?.length !== 0) {
      parts.push([]);
      used = widthOf(names);
    }
    parts.at(-1)?.push(column);
    used += width;
  }
  return parts;
}

function layOut(names: TextColumn, columns: readonly TextColumn[]): string {
  const nameWidth = widthOf(names);
  const widths = columns.map(widthOf);
  return names
    .map((name, row) => {
      const cells = columns.map((column, i) => (column[row] ?? '').padStart(widths[i] ?? 0));
      return `${[name.padEnd(nameWidth), ...cells].join(GAP).trimEnd()}\n`;
    })
    .join('');
}

function widthOf(column: TextColumn): number {
  return Math.max(...column.map((text) => text.length));
}
