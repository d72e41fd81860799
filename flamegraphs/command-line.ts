/** What `npm run flamegraph` was asked for. */
import { parseArgs } from 'node:util';
import { describeSettings, flagName, readSettings } from '../base/settings.ts';
import { SCENARIOS } from '../bench/scenarios/all-scenarios.ts';
import { type Scenario, isWanted } from '../bench/scenarios/scenario.ts';
import { FLAMEGRAPH_SETTINGS, type FlamegraphSettings } from './settings.ts';

/** What to do. */
export type Command =
  | { readonly do: 'help' }
  | { readonly do: 'record'; readonly scenario: Scenario }
  /** A file, or the address of a live sidecar's admin port. */
  | { readonly do: 'show'; readonly source: string }
  | { readonly do: 'diff'; readonly before: string; readonly now: string }
  /** One page for each. */
  | { readonly do: 'gallery'; readonly scenarios: readonly Scenario[] };

/** The command and its settings, or what is wrong, one line each. */
export type CommandLine =
  | { readonly command: Command; readonly settings: FlamegraphSettings }
  | { readonly problems: readonly string[] };

const USAGE = `npm run flamegraph -- SCENARIO [flags]
       npm run flamegraph -- FILE.cpuprofile | FILE.heapprofile | PAGE.html | http://ADMIN:PORT
       npm run flamegraph -- diff BEFORE NOW      recordings made earlier, of any kind above
       npm run flamegraph -- gallery [SCENARIO…]  the pages of flamegraphs/gallery, anew`;

/** Why nothing of a scenario can be recorded, by what its name begins with. */
const NOT_RECORDABLE = {
  'cold-start': 'it sends no load that could be recorded',
  interception: 'its sidecars are in network namespaces, out of reach of who would record them',
} as const;
/** As the first one of plain HTTP/1.1, twice. */
const TWINS = new Set(['same']);

const RECORDABLE = SCENARIOS.filter(({ name }) => whyNotRecordable(name) === undefined);

/** Usage, flags and scenarios. */
export function help(): string {
  const rows = RECORDABLE.map(({ about, name }) => `  ${name.padEnd(30)}${about}`);
  return `${describeSettings(USAGE, FLAMEGRAPH_SETTINGS)}\nscenarios:\n${rows.join('\n')}\n`;
}

/** Reads arguments and environment; `-o` is `--output`. */
export function readCommandLine(
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const args = given.map((arg) => (arg === '-o' ? '--output' : arg));
  const { flags, words } = separate(args);
  const { problems, values } = readSettings(FLAMEGRAPH_SETTINGS, flags, env);
  if (words.length === 0 || args.includes('--help') || args.includes('-h')) {
    const asked = words.length > 0 || args.length > 0;
    return asked
      ? { command: { do: 'help' }, settings: values }
      : { problems: ['What is to be recorded? See --help.'] };
  }
  const command = readCommand(words);
  const all = typeof command === 'string' ? [...problems, command] : problems;
  if (typeof command === 'string' || all.length > 0) return { problems: all };
  return { command, settings: values };
}

/** Flags with their values, and the words between them. */
function separate(args: readonly string[]): {
  readonly flags: readonly string[];
  readonly words: readonly string[];
} {
  const options = Object.fromEntries(
    Object.entries(FLAMEGRAPH_SETTINGS).map(([name, { flagOnly }]) => [
      flagName(name),
      { type: flagOnly ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const words = tokens.filter((token) => token.kind === 'positional');
  const places = new Set(words.map(({ index }) => index));
  return {
    flags: args.filter((_, i) => !places.has(i)),
    words: words.map(({ value }) => value),
  };
}

function readCommand(words: readonly string[]): Command | string {
  const [first = '', ...rest] = words;
  if (first === 'diff') {
    const [before, now] = rest;
    return before === undefined || now === undefined || rest.length > 2
      ? 'diff takes two recordings: diff BEFORE NOW'
      : { do: 'diff', before, now };
  }
  if (first === 'gallery') return readGallery(rest);
  if (rest.length > 0) return `${rest.join(' ')}: one recording at a time; see --help`;
  if (isSource(first)) return { do: 'show', source: first };
  const scenario = scenarioOf(first);
  return typeof scenario === 'string' ? scenario : { do: 'record', scenario };
}

function readGallery(wanted: readonly string[]): Command | string {
  const found = wanted.map(scenarioOf);
  const wrong = found.filter((one) => typeof one === 'string');
  if (wrong.length > 0) return wrong.join('\n');
  const scenarios = found.filter((one) => typeof one !== 'string');
  const all = RECORDABLE.filter(({ name }) => !TWINS.has(name));
  return { do: 'gallery', scenarios: wanted.length === 0 ? all : scenarios };
}

const isSource = (word: string): boolean =>
  /^https?:\/\//.test(word) || /\.(?:cpuprofile|heapprofile|html|json)$/.test(word);

const names = (some: readonly Scenario[]): string => some.map((one) => one.name).join(', ');

function scenarioOf(name: string): Scenario | string {
  const exact = RECORDABLE.find((one) => one.name === name);
  if (exact !== undefined) return exact;
  const sides = RECORDABLE.filter((one) => isWanted(one.name, name));
  const [only] = sides;
  if (only !== undefined && sides.length === 1) return only;
  if (only !== undefined) return `${name}: which one? There are ${names(sides)}.`;
  const why = whyNotRecordable(name);
  if (why !== undefined) return `${name}: ${why}.`;
  return `There is no scenario "${name}". There are ${names(RECORDABLE)}.`;
}

function whyNotRecordable(name: string): string | undefined {
  return Object.entries(NOT_RECORDABLE).find(([begin]) => isWanted(name, begin))?.[1];
}
