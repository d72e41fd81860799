/** The tables below the graph: where it went by stage, and by function. */
import { element, escapeText } from '../../bench/report/plot/svg.ts';
import { frameLabel } from '../frames.ts';
import type { Fact, Recording } from '../recording.ts';
import { STAGES, type StageName } from '../stages.ts';
import { type Share, summarize } from '../summary.ts';
import { amount, signed } from '../text.ts';

const FUNCTIONS = 40;
const COLOURS = new Map<StageName, string>(STAGES.map(({ colour, name }) => [name, colour]));
const ABOUT = new Map<StageName, string>(STAGES.map(({ about, name }) => [name, about]));

/** Both tables, of all threads together. */
export function tablesOf(recording: Recording): string {
  const { compared } = recording;
  const { busy, functions, stages, unit } = summarize(recording);
  const row = (name: string, share: Share<unknown>, attributes: Attributes = {}): string => {
    const cells = compared ? changeCells(share) : partCells(share, busy.now);
    return element('tr', attributes, element('td', {}, name), ...cells);
  };
  const heads = compared ? [`before, ${unit.label}`, 'now', 'change'] : [unit.label, 'share'];
  const stageRows = stages.map((share) =>
    row(named(share.of, share.of), share, { title: ABOUT.get(share.of) }),
  );
  const all = row('all that is not idle', busy, { class: 'all' });
  const functionRows = functions
    .slice(0, FUNCTIONS)
    .map((share) => row(named(share.of.stage, frameLabel(share.of)), share));
  const title = `Functions that ${compared ? 'changed' : 'took'} most themselves`;
  return element(
    'div',
    { class: 'tables' },
    table('By stage', ['stage', ...heads], [...stageRows, all]),
    table(title, ['function', ...heads], functionRows),
  );
}

type Attributes = Readonly<Record<string, string | undefined>>;

function table(title: string, heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((name) => element('th', {}, escapeText(name)));
  return element(
    'section',
    {},
    element('h2', {}, escapeText(title)),
    element('table', {}, element('tr', {}, ...head), ...rows),
  );
}

/** With the colour of its stage before it. */
const named = (stage: StageName, name: string): string =>
  element('i', { style: `background:${COLOURS.get(stage) ?? 'none'}` }) + escapeText(name);

/** Names and what they are. */
export function factsOf(facts: readonly Fact[]): string {
  const pairs = facts.flatMap(([name, value]) => [
    element('dt', {}, escapeText(name)),
    element('dd', {}, escapeText(value)),
  ]);
  return element('dl', {}, ...pairs);
}

function changeCells({ before, now }: Share<unknown>): readonly string[] {
  const change = now - before;
  return [
    element('td', {}, amount(before)),
    element('td', {}, amount(now)),
    element('td', { class: change > 0 ? 'more' : 'less' }, signed(change)),
  ];
}

function partCells({ now, of }: Share<unknown>, all: number): readonly string[] {
  const share = of === 'idle' || all === 0 ? '' : `${((now / all) * 100).toFixed(1)} %`;
  return [element('td', {}, amount(now)), element('td', {}, share)];
}
