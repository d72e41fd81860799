/** JSON within a page. */

/** Where a page keeps its recording; pages are read back by it. */
export const RECORDING_ID = 'recording';

/** A script element that holds `value` and does nothing. */
export function embedJson(id: string, value: unknown): string {
  // An end tag in a name would end the element.
  const json = JSON.stringify(value).replaceAll('<', '\\u003c');
  return `<script type="application/json" id="${id}">${json}</script>`;
}
