/** Every setting of `npm run flamegraph`: flag, CULVERT_* variable, default and reason. */
import { choice, flag, integer, text, type SettingsOf } from '../base/settings.ts';

/** The table. */
export const FLAMEGRAPH_SETTINGS = {
  alloc: flag({ reason: 'Who allocates, in the place of where CPU time goes.' }),
  seconds: integer({
    fallback: 5,
    min: 1,
    max: 60,
    unit: 's',
    reason: 'Length of a recording: 25,000 samples show what is above a thousandth.',
  }),
  tries: integer({
    fallback: 4,
    min: 1,
    max: 100,
    reason: 'How often a recording is made that something else on the machine disturbs.',
  }),
  phase: text({
    fallback: undefined,
    reason: 'Phase of the scenario that is recorded, as "5000 rps"; none: its first.',
  }),
  arm: text({
    fallback: undefined,
    reason: 'Which sidecar, where a scenario compares several of ours, as "culvert-declared".',
  }),
  output: choice({
    fallback: 'page',
    of: ['page', 'json', 'folded'],
    reason:
      'An HTML page; the same recording as JSON; or folded stacks, a line each. Short: -o. JSON and stacks go to standard output unless --file names a file.',
  }),
  file: text({
    fallback: '',
    reason: 'File to write; none: a page in flamegraphs/recorded.',
  }),
} as const;

/** The values of one run. */
export type FlamegraphSettings = SettingsOf<typeof FLAMEGRAPH_SETTINGS>;
