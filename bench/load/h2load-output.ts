/** The closing lines of h2load, as counts. */

/** What it tells of a run. */
export interface H2loadCounts {
  /** Requests whose answers came, by the first digit of their status. */
  readonly byClass: Readonly<Record<'2xx' | '3xx' | '4xx' | '5xx', number>>;
  /** Requests without an answer, by h2load's word for it, where there are any. */
  readonly lost: Readonly<Record<string, number>>;
  readonly bytesReceived: number;
}

/** Reads its output; throws with the output when that is not h2load's. */
export function readH2load(output: string): H2loadCounts {
  const number = (pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`h2load wrote: ${output.trim().slice(-500)}`);
    return Number(found);
  };
  const lost = Object.fromEntries(
    (['errored', 'timeout'] as const)
      .map((word): [string, number] => [`h2load ${word}`, number(new RegExp(`(\\d+) ${word}`))])
      .filter(([, count]) => count > 0),
  );
  return {
    byClass: {
      '2xx': number(/(\d+) 2xx/),
      '3xx': number(/(\d+) 3xx/),
      '4xx': number(/(\d+) 4xx/),
      '5xx': number(/(\d+) 5xx/),
    },
    lost,
    bytesReceived: number(/traffic: .*?\((\d+)\) total/),
  };
}
