/**
 * How arms look: a colour that is told apart with any colour vision (Okabe and Ito 2008), a shape
 * and a dash, so that none of them alone carries the meaning.
 */
import type { ArmName } from '../../model.ts';
import { element, escapeText } from './svg.ts';

/** Colours on a light and on a dark page. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#6b7280', '#9ca3af'],
  ['#0072b2', '#56b4e9'],
  ['#d55e00', '#ff9350'],
  ['#009e73', '#3fd0a4'],
  ['#b0609a', '#e6a3cf'],
  ['#a87400', '#f0c34a'],
  ['#5b4bc4', '#b3a7ff'],
];
const DASHES: readonly string[] = ['2 3', '', '7 3', '9 3 2 3', '4 2', '1 2', '14 4'];
/** Corners of the shapes in radii: square, circle, triangle, diamond, triangle down, bar, post. */
const CORNERS: readonly string[] = [
  '-1,-1 1,-1 1,1 -1,1',
  '',
  '0,-1.25 1.15,1 -1.15,1',
  '0,-1.3 1.3,0 0,1.3 -1.3,0',
  '-1.15,-1 1.15,-1 0,1.25',
  '-1.4,-0.6 1.4,-0.6 1.4,0.6 -1.4,0.6',
  '-0.6,-1.4 0.6,-1.4 0.6,1.4 -0.6,1.4',
];
const FIXED: readonly ArmName[] = [
  'direct',
  'culvert',
  'haproxy',
  'nginx',
  'nghttpx',
  'envoy',
  'linkerd2-proxy',
];
const SHAPE_RADIUS = 4;

/** Slot of each arm: always the same for the known ones, the free ones in turn for others. */
export function slotsOf(arms: readonly ArmName[]): ReadonlyMap<ArmName, number> {
  const slots = new Map<ArmName, number>();
  for (const arm of arms) if (FIXED.includes(arm)) slots.set(arm, FIXED.indexOf(arm));
  const free = FIXED.map((_, slot) => slot).filter((slot) => ![...slots.values()].includes(slot));
  // Direct's grey says "no proxy": it is the last to be given away.
  const offered = free.filter((slot) => slot !== 0);
  let next = 0;
  for (const arm of arms) {
    if (slots.has(arm)) continue;
    slots.set(arm, offered[next % Math.max(1, offered.length)] ?? 0);
    next++;
  }
  return slots;
}

/** Variables and classes `s0`, `s1`, … for a style sheet. */
export function paletteCss(): string {
  const variables = (shade: 0 | 1): string =>
    COLOURS.map((pair, slot) => `--s${slot}:${pair[shade]}`).join(';');
  const classes = COLOURS.map(
    (_, slot) => `.s${slot}{--c:var(--s${slot});--d:${DASHES[slot] || 'none'}}`,
  );
  return `:root{${variables(0)}}
@media (prefers-color-scheme:dark){:root{${variables(1)}}}
${classes.join('\n')}`;
}

/** The shape of a slot about a point. */
export function shape(slot: number, x: number, y: number, radius = SHAPE_RADIUS): string {
  const corners = CORNERS[slot] ?? '';
  if (corners === '') return element('circle', { cx: x, cy: y, r: radius, class: 'mark' });
  const points = corners.split(' ').map((corner) => {
    const [dx = 0, dy = 0] = corner.split(',').map(Number);
    return `${(x + dx * radius).toFixed(1)},${(y + dy * radius).toFixed(1)}`;
  });
  return element('polygon', { points: points.join(' '), class: 'mark' });
}

/** Names with their line and shape, as a list. */
export function legend(slots: ReadonlyMap<ArmName, number>, arms: readonly ArmName[]): string {
  const items = arms.map((arm) => {
    const slot = slots.get(arm) ?? 0;
    const swatch = element(
      'svg',
      { width: 34, height: 14, class: `s${slot}`, 'aria-hidden': 'true' },
      element('path', { d: 'M1 7H33', class: 'line' }),
      shape(slot, 17, 7),
    );
    return element('li', {}, swatch, escapeText(arm));
  });
  return element('ul', { class: 'legend' }, ...items);
}
