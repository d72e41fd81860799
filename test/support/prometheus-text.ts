/** Reads the Prometheus text format, as far as tests need it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Every sample of `text`; throws on a line that is neither a comment nor a sample. */
export function parseSamples(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const labels = (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
      return {
        name: match[1]!,
        labels: Object.fromEntries([...labels].map(([, key, value]) => [key!, value!])),
        value: match[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(match[3]),
      };
    });
}

/** Sum of the samples of `name` whose labels include `labels`; 0 when there are none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, sample) => sum + sample.value, 0);
}
