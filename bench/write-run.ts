/** Where a run ends up: the terminal, JSON lines, the report with plots, the history. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { BenchRun } from './model.ts';
import { renderHtml } from './report/html.ts';
import { readRuns, withoutSeries, writeRun as toLines } from './report/json-lines.ts';
import { renderTables } from './report/table.ts';
import { renderVerdicts } from './report/verdicts.ts';

/** Files of one run; an empty name is none. */
export interface Outputs {
  readonly json: string;
  readonly report: string;
  /** Folder of NDJSON files, one a month. */
  readonly history: string;
}

/** Prints the run and writes its files; `command` is what repeats it. */
export function writeRun(run: BenchRun, { history, json, report }: Outputs, command: string): void {
  say(`${renderTables(run)}\n`);
  for (const { what, why } of run.skipped) say(`left out: ${what}: ${why}\n`);
  for (const note of run.notes) say(`${note}\n`);
  say(`\n${renderVerdicts(run.verdicts)}`);
  if (json !== '') save(json, toLines(run));
  const { problems, runs: earlier } = readHistory(history);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (history !== '') {
    const file = path.join(history, `${run.conditions.startedAt.slice(0, 7)}.ndjson`);
    mkdirSync(history, { recursive: true });
    appendFileSync(file, toLines(withoutSeries(run)));
    say(`history: ${file}\n`);
  }
  if (report !== '') {
    save(report, renderHtml(run, { command, history: earlier }));
    say(`report: ${report}\n`);
  }
}

const say = (text: string): void => void process.stdout.write(text);

function save(file: string, text: string): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, text);
}

/** Earlier runs, oldest first; a line that cannot be read is named and left out. */
function readHistory(directory: string): ReturnType<typeof readRuns> {
  if (directory === '' || !existsSync(directory)) return { runs: [], problems: [] };
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.ndjson'))
    .toSorted();
  const read = files.map((name) => {
    const { problems, runs } = readRuns(readFileSync(path.join(directory, name), 'utf8'));
    return {
      runs,
      problems: problems.map((problem) => `${path.join(directory, name)}: ${problem}`),
    };
  });
  return {
    runs: read.flatMap(({ runs }) => runs),
    problems: read.flatMap(({ problems }) => problems),
  };
}
