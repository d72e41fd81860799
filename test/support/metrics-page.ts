/**
 * A strict reader of Prometheus text 0.0.4: it throws on whatever the format does not allow, so
 * that a page that passes is one that every scraper reads.
 */
import assert from 'node:assert/strict';

/** One family of a page, with every label name that its samples carry. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly labelNames: ReadonlySet<string>;
  /** Values by series: the labels as text. */
  readonly samples: ReadonlyMap<string, number>;
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const VALUE = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

function readSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  assert.ok(match !== null, `no sample: ${line}`);
  const [, name = '', labelText = '', valueText = ''] = match;
  assert.match(valueText, VALUE, line);
  const labels = new Map<string, string>();
  for (const [pair] of labelText.matchAll(new RegExp(LABEL, 'g'))) {
    const at = pair.indexOf('=');
    assert.ok(!labels.has(pair.slice(0, at)), `a label twice: ${line}`);
    labels.set(pair.slice(0, at), pair.slice(at + 2, -1));
  }
  return { name, labels, value: Number(valueText.replace('Inf', 'Infinity')) };
}

/** All families of `page`, in order. */
export function readMetricsPage(page: string): MetricFamily[] {
  assert.ok(page === '' || page.endsWith('\n'), 'the last line has no end');
  const lines = page.split('\n').slice(0, -1);
  const families: MetricFamily[] = [];
  while (lines.length > 0) {
    const help = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(lines.shift() ?? '');
    assert.ok(help !== null, 'a family begins with its HELP');
    const name = help[1] ?? '';
    assert.ok(!families.some((family) => family.name === name), `${name} comes twice`);
    const type = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(lines.shift() ?? '');
    assert.ok(type !== null, `${name} has no TYPE`);
    const samples: Sample[] = [];
    while (lines[0]?.startsWith('#') === false) samples.push(readSample(lines.shift() ?? ''));
    families.push(familyOf(name, type[1] ?? '', samples));
  }
  return families;
}

function familyOf(name: string, type: string, samples: readonly Sample[]): MetricFamily {
  assert.ok(samples.length > 0, `${name} has no sample`);
  if (type === 'counter') assert.match(name, /_total$/);
  if (type === 'histogram') checkHistogram(name, samples);
  const labelNames = new Set<string>();
  const values = new Map<string, number>();
  for (const { name: sampleName, labels, value } of samples) {
    if (type !== 'histogram') assert.equal(sampleName, name, 'a sample of another family');
    if (type !== 'gauge') assert.ok(value >= 0, `${sampleName} is ${value}`);
    const key = `${sampleName}${textOf(labels)}`;
    assert.ok(!values.has(key), `${key} comes twice`);
    values.set(key, value);
    for (const label of labels.keys()) if (label !== 'le') labelNames.add(label);
  }
  return { name, type, labelNames, samples: values };
}

const textOf = (labels: ReadonlyMap<string, string>): string =>
  labels.size === 0
    ? ''
    : `{${[...labels].map(([name, value]) => `${name}="${value}"`).join(',')}}`;

/** Buckets rise to +Inf, which is the count; each series has one sum and one count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(samples, ({ labels }) =>
    textOf(new Map([...labels].filter(([label]) => label !== 'le'))),
  );
  for (const [labels, of] of series) {
    const only = (suffix: string): number => {
      const found = of.filter((sample) => sample.name === `${name}_${suffix}`);
      assert.equal(found.length, 1, `${name}_${suffix}${labels}`);
      return found[0]?.value ?? Number.NaN;
    };
    const buckets = of.filter((sample) => sample.name === `${name}_bucket`);
    assert.equal(buckets.length + 2, of.length, `samples of another name in ${name}`);
    const bounds = buckets.map(({ labels: own }) =>
      Number((own.get('le') ?? '').replace('Inf', 'Infinity')),
    );
    for (let i = 1; i < buckets.length; i++) {
      assert.ok(bounds[i]! > bounds[i - 1]!, `bounds of ${name} do not rise`);
      assert.ok(buckets[i]!.value >= buckets[i - 1]!.value, `buckets of ${name} fall`);
    }
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
    assert.equal(buckets.at(-1)?.value, only('count'), `${name}${labels}`);
    assert.ok(only('sum') >= 0);
  }
}
