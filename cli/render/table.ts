/** One column of a text table. Numbers read best when aligned to the right. */
export interface Column<Row> {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (row: Row) => string;
}

const GAP = '   ';

/** Names come from requests too: none may speak to the terminal. C0, DEL and C1 of ECMA-48. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001F\u007F-\u009F]/g;

/** A head line and one line a row, columns padded to their widest cell, no trailing blanks. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row).replaceAll(CONTROLS, '?'))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, i) => {
          const width = widths[i] ?? 0;
          return columns[i]?.align === 'right' ? text.padStart(width) : text.padEnd(width);
        })
        .join(GAP)
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
