/** Verdicts, failures first: what a reader came for. */
import type { Outcome, Verdict } from '../../model.ts';
import { element, escapeText } from '../plot/svg.ts';
import { OUTCOME_WORDS } from '../verdicts.ts';
import { section } from './section.ts';

const ORDER: readonly Outcome[] = ['fail', 'undecided', 'pass'];
/** Not by colour alone. */
const SIGNS: Readonly<Record<Outcome, string>> = { pass: '✓', fail: '✗', undecided: '?' };

/** One row a verdict. */
export function verdictSection(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '';
  const rows = verdicts
    .toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome))
    .map(({ outcome, what, measured, budget }) =>
      element(
        'tr',
        { class: outcome },
        element('td', { class: 'outcome' }, `${SIGNS[outcome]} ${OUTCOME_WORDS[outcome]}`),
        ...[what, measured, budget].map((text) => element('td', {}, escapeText(text))),
      ),
    );
  const head = ['', 'what', 'measured', 'budget'].map((text) =>
    element('th', { scope: 'col' }, text),
  );
  const table = element(
    'table',
    { class: 'verdicts' },
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
  return section(
    'verdicts',
    'Verdicts',
    'A budget fails when the whole interval of what was measured lies above it.',
    element('div', { class: 'scroll' }, table),
  );
}
