/** Samples of a page in Prometheus text, as checks ask for them. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The sum of a metric's samples that have these labels among others; 0 when there is none. */
export function sumOf(
  page: string,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const [, name, labelText = '', value] of page.matchAll(SAMPLE)) {
    if (name !== metric) continue;
    const found = new Map<string | undefined, string | undefined>();
    for (const [, label, text] of labelText.matchAll(LABEL)) found.set(label, text);
    const wanted = Object.entries(labels).every(([label, text]) => found.get(label) === text);
    if (wanted) sum += Number(value);
  }
  return sum;
}
