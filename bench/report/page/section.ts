/** What every section of the page is given, and how it is framed. */
import type { ArmName } from '../../model.ts';
import { element, escapeText } from '../plot/svg.ts';
import type { RunIndex } from '../run-index.ts';

/** The run and the look of its arms. */
export interface PageParts {
  readonly index: RunIndex;
  /** Palette slot of each arm. */
  readonly slots: ReadonlyMap<ArmName, number>;
}

/** A section with its heading and one sentence of how to read it; no children, no section. */
export function section(
  id: string,
  title: string,
  reading: string,
  ...children: readonly string[]
): string {
  if (children.every((child) => child === '')) return '';
  return element(
    'section',
    { id },
    element('h2', {}, escapeText(title)),
    element('p', { class: 'reading' }, escapeText(reading)),
    ...children,
  );
}

/** Figures side by side where there is room. */
export function plots(figures: readonly string[]): string {
  return figures.length === 0 ? '' : element('div', { class: 'plots' }, ...figures);
}
