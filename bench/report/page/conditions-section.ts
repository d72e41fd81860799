/** Under which conditions the numbers were taken, what is missing, and how to take them again. */
import type { BenchRun } from '../../model.ts';
import { element, escapeText } from '../plot/svg.ts';
import { section } from './section.ts';

/** Machine, versions, pinning; notes; what was skipped; `command` repeats the run. */
export function conditionsSection(run: BenchRun, command: string): string {
  const { conditions, notes, skipped } = run;
  const terms: readonly (readonly [string, string])[] = [
    ['started', conditions.startedAt],
    ['commit', conditions.commit],
    ['machine', `${conditions.cpuModel}, ${conditions.cores} cores, ${conditions.memoryMb} MB`],
    ['kernel', conditions.kernel],
    [
      'pinned',
      `proxies to core ${conditions.proxyCore}, generator and servers to core ${conditions.loadCore}`,
    ],
    ['seed', String(conditions.seed)],
    ...Object.entries(conditions.versions),
  ];
  const list = terms.map(
    ([term, text]) => element('dt', {}, escapeText(term)) + element('dd', {}, escapeText(text)),
  );
  const left = skipped.map(({ what, why }) => `Left out: ${what}, for ${why}.`);
  const sentences = [...notes, ...left].map((text) => element('li', {}, escapeText(text)));
  return section(
    'conditions',
    'Conditions',
    'Numbers of one run compare with each other; with those of another machine or day only their ratios do.',
    element('dl', {}, ...list),
    sentences.length === 0 ? '' : element('ul', { class: 'notes' }, ...sentences),
    element('h3', {}, 'To reproduce'),
    element('pre', {}, escapeText(command)),
  );
}
