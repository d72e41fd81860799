/** Samples of a page in Prometheus text, as checks ask for them. */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The sum of a metric's samples that have these labels among others; 0 when there is none. */
export function sumOf(page: string, metric: string, labels: Labels = {}): number {
  let sum = 0;
  for (const value of samplesOf(page, metric, labels)) sum += value;
  return sum;
}

/** The least of those samples; undefined when there is none. */
export function leastOf(page: string, metric: string, labels: Labels = {}): number | undefined {
  let least: number | undefined;
  for (const value of samplesOf(page, metric, labels)) least = Math.min(value, least ?? value);
  return least;
}

type Labels = Readonly<Record<string, string>>;

function* samplesOf(page: string, metric: string, labels: Labels): Generator<number> {
  for (const [, name, labelText = '', value] of page.matchAll(SAMPLE)) {
    if (name !== metric) continue;
    const found = new Map<string | undefined, string | undefined>();
    for (const [, label, text] of labelText.matchAll(LABEL)) found.set(label, text);
    const wanted = Object.entries(labels).every(([label, text]) => found.get(label) === text);
    if (wanted) yield Number(value);
  }
}
