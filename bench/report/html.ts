/**
 * The report as one HTML file that loads nothing: verdicts, plots, tables, conditions. It reads
 * without JavaScript, in the dark and on paper.
 */
import type { BenchRun } from '../model.ts';
import { conditionsSection } from './page/conditions-section.ts';
import { cpuSection } from './page/cpu-section.ts';
import { historySection } from './page/history-section.ts';
import { latencySection } from './page/latency-section.ts';
import { memorySection } from './page/memory-section.ts';
import { PAGE_SCRIPT } from './page/script.ts';
import { pageStyle } from './page/style.ts';
import { tableSection } from './page/table-section.ts';
import { verdictSection } from './page/verdict-section.ts';
import { slotsOf } from './plot/palette.ts';
import { element, escapeText } from './plot/svg.ts';
import { RunIndex } from './run-index.ts';

/** What the report shows besides the run. */
export interface HtmlOptions {
  /** The command line that repeats the run. */
  readonly command: string;
  /** Earlier runs, in any order; the run itself may be among them. */
  readonly history?: readonly BenchRun[];
}

/** The whole file. */
export function renderHtml(run: BenchRun, { command, history = [] }: HtmlOptions): string {
  const index = new RunIndex(run);
  const parts = { index, slots: slotsOf(index.arms()) };
  const { commit, startedAt } = run.conditions;
  const earlier = history.filter(({ conditions }) => conditions.startedAt !== startedAt);
  const sections: readonly (readonly [id: string, name: string, body: string])[] = [
    ['verdicts', 'Verdicts', verdictSection(run.verdicts)],
    ['latency', 'Latency', latencySection(parts)],
    ['cpu', 'CPU', cpuSection(parts)],
    ['memory', 'Memory', memorySection(parts)],
    ['history', 'History', historySection([...earlier, run])],
    ['tables', 'All figures', tableSection(parts)],
    ['conditions', 'Conditions', conditionsSection(run, command)],
  ];
  const shown = sections.filter(([, , body]) => body !== '');
  const title = `Culvert bench, ${commit}`;
  const head = element(
    'head',
    {},
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    element('title', {}, escapeText(title)),
    element('style', {}, pageStyle()),
  );
  const header = element(
    'header',
    {},
    element('h1', {}, escapeText(title)),
    element('p', {}, escapeText(summaryOf(run))),
    element('nav', {}, ...shown.map(([id, name]) => element('a', { href: `#${id}` }, name))),
  );
  const bodies = shown.map(([, , body]) => body);
  const body = element('body', {}, header, ...bodies, element('script', {}, PAGE_SCRIPT));
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body)}\n`;
}

function summaryOf({ conditions, verdicts }: BenchRun): string {
  const { startedAt, cpuModel, cores } = conditions;
  const failed = verdicts.filter(({ outcome }) => outcome === 'fail').length;
  const judged = verdicts.length === 0 ? '' : ` ${failed} of ${verdicts.length} budgets failed.`;
  return `${startedAt.slice(0, 16).replace('T', ' ')} UTC on ${cpuModel}, ${cores} cores.${judged}`;
}
