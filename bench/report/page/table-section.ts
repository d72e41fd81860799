/** The tables of the terminal, on the page. */
import { columnsOf } from '../columns.ts';
import { NOTHING } from '../format.ts';
import { element, escapeText } from '../plot/svg.ts';
import type { PhasePlace, RunIndex } from '../run-index.ts';
import { section } from './section.ts';
import type { PageParts } from './section.ts';

/** One table a phase, scrolled sideways where the page is narrow. */
export function tableSection({ index }: PageParts): string {
  const tables = index.phases().map((place) => tableOf(index, place));
  return section(
    'tables',
    'All figures',
    'A row an arm. Point at a column title for its meaning. A number with a range is a value and its 95 % interval.',
    ...tables,
  );
}

function tableOf(index: RunIndex, { scenario, phase, arms }: PhasePlace): string {
  const places = arms.map((arm) => ({ scenario, phase, arm }));
  const columns = columnsOf(index, places, 'page');
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col' }, 'arm'),
    ...columns.map(({ title, meaning }) =>
      element('th', { scope: 'col', title: meaning }, escapeText(title)),
    ),
  );
  const rows = places.map((place) =>
    element(
      'tr',
      {},
      element('th', { scope: 'row' }, escapeText(place.arm)),
      ...columns.map(({ cell }) => element('td', {}, escapeText(cell(index, place) ?? NOTHING))),
    ),
  );
  return element(
    'div',
    { class: 'scroll' },
    element(
      'table',
      {},
      element('caption', {}, escapeText(`${scenario}, ${phase}`)),
      element('thead', {}, head),
      element('tbody', {}, ...rows),
    ),
  );
}
