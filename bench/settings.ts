/** Every setting of the bench: flag, CULVERT_* variable, default and reason. */
import { flag, integer, repeated, text, type SettingsOf } from '../base/settings.ts';

/** First line of the help. */
export const USAGE =
  'npm run bench -- [--quick] [--gate] [--scenario NAME]… [--against PEER,…] [--json FILE] [flags]';

/** A shorter block says little. */
const BLOCK_MS_MIN = 200;

/** The table. */
export const BENCH_SETTINGS = {
  scenario: repeated(
    text({
      fallback: undefined,
      reason: 'Only these scenarios; "http1-keepalive" means every side of it. --list names them.',
    }),
  ),
  against: text({
    fallback: undefined,
    reason: 'Peers beside Culvert, separated by commas; none given: all, with --quick haproxy.',
    pattern: /^[a-z0-9,-]*$/,
    allowed: 'names separated by commas',
  }),
  list: flag({ reason: 'Names the scenarios and ends.' }),
  quick: flag({ reason: 'Three scenarios against HAProxy alone, at most four minutes.' }),
  gate: flag({
    reason: 'Budgets and the comparison with the base commit: exit code 1 names what failed.',
  }),
  base: text({
    fallback: '',
    reason: 'The commit --gate compares with; none: where this branch left origin/main.',
  }),
  json: text({ fallback: '', reason: 'File for one JSON line per result.' }),
  report: text({
    fallback: 'bench/results/latest.html',
    reason: 'File for the report with plots; empty: none.',
  }),
  history: text({
    fallback: 'bench/results',
    reason: 'Folder to whose NDJSON file of the month the results are appended; empty: none.',
  }),
  seed: integer({
    fallback: 0,
    min: 0,
    max: 2 ** 31 - 1,
    reason: 'Seed of schedules, orders and intervals; 0: drawn, and printed.',
  }),
  rounds: integer({
    fallback: 10,
    min: 3,
    max: 1_000,
    reason: 'Blocks of each arm in a phase; fewer than 10 say little.',
  }),
  blockMs: integer({
    fallback: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
    reason:
      'Length of a block: long against timer grain, short against changes of the machine; at most 700 with --quick. 0: 600, and 250 in a run of all scenarios, which takes half an hour then.',
  }),
} as const;

/** The values of one run. */
export type BenchSettings = SettingsOf<typeof BENCH_SETTINGS>;

/** What settings must be together; one line a problem. */
export function checkSettings({ base, blockMs, gate }: BenchSettings): readonly string[] {
  return [
    ...(base !== '' && !gate ? ['--base is for --gate: give both'] : []),
    ...(blockMs > 0 && blockMs < BLOCK_MS_MIN
      ? [
          `--block-ms ${blockMs} is shorter than ${BLOCK_MS_MIN} ms, which timers are too coarse for`,
        ]
      : []),
  ];
}
