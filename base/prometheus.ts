/** Prometheus text exposition format 0.0.4. */

/** The `content-type` of a page. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The TYPE line's word. */
export type MetricType = 'counter' | 'gauge' | 'histogram';
/** Label values by name; values may hold anything. */
export type Labels = Readonly<Record<string, string>>;

/** Collects one page of metrics; a family's HELP and TYPE lines come once, before its samples. */
export class MetricsPage {
  readonly #families = new Map<string, { head: string; samples: string[] }>();

  /** One sample of a counter or gauge. */
  add(
    name: string,
    type: Exclude<MetricType, 'histogram'>,
    help: string,
    labels: Labels,
    value: number,
  ): void {
    this.#family(name, type, help).push(`${name}${formatLabels(labels)} ${formatValue(value)}`);
  }

  /**
   * One histogram. `cumulative[i]` counts values <= `bounds[i]`; `count` and `sum` cover all.
   * Bounds and sum are in the unit that the name says.
   */
  addHistogram(
    name: string,
    help: string,
    labels: Labels,
    bounds: readonly number[],
    cumulative: readonly number[],
    count: number,
    sum: number,
  ): void {
    const samples = this.#family(name, 'histogram', help);
    bounds.forEach((bound, i) => {
      const bucket = formatLabels({ ...labels, le: formatValue(bound) });
      samples.push(`${name}_bucket${bucket} ${formatValue(cumulative[i] ?? 0)}`);
    });
    samples.push(`${name}_bucket${formatLabels({ ...labels, le: '+Inf' })} ${formatValue(count)}`);
    samples.push(`${name}_sum${formatLabels(labels)} ${formatValue(sum)}`);
    samples.push(`${name}_count${formatLabels(labels)} ${formatValue(count)}`);
  }

  toString(): string {
    let page = '';
    for (const { head, samples } of this.#families.values())
      page += `${head}${samples.join('\n')}\n`;
    return page;
  }

  #family(name: string, type: MetricType, help: string): string[] {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = {
        head: `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`,
        samples: [],
      };
      this.#families.set(name, family);
    }
    return family.samples;
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapeHelp = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
