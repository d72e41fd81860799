/** SVG and HTML as text: elements with escaped attributes. Children are markup already. */

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `text` safe between tags and within quotes. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** `<name a="1">children</name>`; attributes that are undefined are left out, numbers rounded. */
export function element(
  name: string,
  attributes: Attributes,
  ...children: readonly string[]
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(coordinate(value))}"`)
    .join('');
  return `<${name}${written}>${children.join('')}</${name}>`;
}

/** Text at a place; `anchor` as SVG's text-anchor. */
export function label(
  text: string,
  x: number,
  y: number,
  { anchor = 'middle', className }: { readonly anchor?: string; readonly className?: string } = {},
): string {
  return element('text', { x, y, 'text-anchor': anchor, class: className }, escapeText(text));
}

/** A straight line. */
export function stroke(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return element('line', { x1, y1, x2, y2, class: className });
}

/** What shows `tip` when it is pointed at: without JavaScript as the browser's own title. */
export function tipped(tip: string, ...children: readonly string[]): string {
  return element('g', { class: 'tip' }, element('title', {}, escapeText(tip)), ...children);
}

/** Tenths of a pixel are enough, and keep the file small. */
function coordinate(value: string | number | undefined): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : (value ?? '');
}
