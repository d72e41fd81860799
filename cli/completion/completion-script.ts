/** The scripts that complete meshctl in a shell: a frame in the shell's own file, filled from the shape. */
import { readFileSync } from 'node:fs';
import type { CommandShape, OptionShape, ValueShape } from './command-shape.ts';
import { valueSource } from './value-source.ts';

/** Shells that have a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** One of them. */
export type Shell = (typeof SHELLS)[number];

/** The script of `shell` for all that `program` takes. */
export function completionScript(shell: Shell, program: CommandShape): string {
  const frame = readFileSync(new URL(`meshctl.${shell}`, import.meta.url), 'utf8');
  const commands = commandsBelow(program, '');
  const parts = shell === 'fish' ? fishParts(commands) : caseParts(shell, commands);
  return frame.replaceAll(/@@(\w+)@@/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`meshctl.${shell} names no part: ${name}`);
    return part;
  });
}

/** A command and the words that lead to it: "" for the program itself. */
interface PlacedCommand {
  readonly path: string;
  readonly shape: CommandShape;
}

function commandsBelow(shape: CommandShape, path: string): readonly PlacedCommand[] {
  const below = shape.commands.flatMap((command) =>
    commandsBelow(command, path === '' ? command.name : `${path} ${command.name}`),
  );
  return [{ path, shape }, ...below];
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const fishQuote = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;

/** Where each command and each flag with a value is typed, as "PATH:WORD". */
const commandPlaces = (commands: readonly PlacedCommand[]): readonly string[] =>
  commands.flatMap(({ path, shape }) => shape.commands.map(({ name }) => `${path}:${name}`));
const valueFlagPlaces = (commands: readonly PlacedCommand[]): readonly string[] =>
  commands.flatMap(({ path, shape }) =>
    shape.options
      .filter(({ value }) => value !== undefined)
      .flatMap(({ flags }) => flags.map((flag) => `${path}:${flag}`)),
  );

// ---- bash and zsh: arms of case statements ----

type Parts = Readonly<Record<string, string>>;

function caseParts(shell: 'bash' | 'zsh', commands: readonly PlacedCommand[]): Parts {
  const described = (word: string, text: string): string =>
    shell === 'zsh' ? quote(`${word.replaceAll(':', String.raw`\:`)}:${text}`) : quote(word);
  const flagArm = ({ path, shape }: PlacedCommand): string => {
    const flags = shape.options.flatMap((option) =>
      option.flags.map((flag) => described(flag, option.description)),
    );
    return arm([path], `${shell === 'zsh' ? 'flags' : 'choices'}=(${flags.join(' ')})`);
  };
  const valueArms = ({ path, shape }: PlacedCommand): readonly string[] => [
    ...shape.options.flatMap(({ flags, value }) =>
      value === undefined
        ? []
        : [
            arm(
              flags.map((flag) => `${path}:${flag}`),
              action(shell, value),
            ),
          ],
    ),
    ...shape.values.map((value, i) => arm([`${path}:${i}`], action(shell, value))),
    ...(shape.commands.length === 0
      ? []
      : [
          arm(
            [`${path}:0`],
            `choices=(${shape.commands.map((one) => described(one.name, one.description)).join(' ')})`,
          ),
        ]),
  ];
  return {
    COMMANDS: commandPlaces(commands).map(quote).join(' | '),
    VALUE_FLAGS: valueFlagPlaces(commands).map(quote).join(' | '),
    FLAGS: commands.map(flagArm).join('\n'),
    VALUES: commands.flatMap(valueArms).join('\n'),
  };
}

const arm = (patterns: readonly string[], body: string): string =>
  `      ${patterns.map(quote).join(' | ')}) ${body} ;;`;

function action(shell: 'bash' | 'zsh', value: ValueShape): string {
  const { words, asks, files } = valueSource(value);
  if (files) return shell === 'zsh' ? '_files; return' : 'compopt -o default 2>/dev/null';
  return `choices=(${words.map(quote).join(' ')})${asks === 'never' ? '' : ` asks=${asks}`}`;
}

// ---- fish: a line for each completion ----

function fishParts(commands: readonly PlacedCommand[]): Parts {
  const lines = commands.flatMap(({ path, shape }) => [
    ...shape.commands.map((one) =>
      fishLine(`test (__meshctl_at) = "${path} 0"`, one.description, `-a ${fishQuote(one.name)}`),
    ),
    ...shape.options.map((option) => fishOption(path, option)),
    ...shape.values.map((value, i) =>
      fishLine(`test (__meshctl_at) = "${path} ${i}"`, '', fishWords(value)),
    ),
  ]);
  return {
    COMMANDS: commandPlaces(commands).map(fishQuote).join(' '),
    VALUE_FLAGS: valueFlagPlaces(commands).map(fishQuote).join(' '),
    COMPLETIONS: lines.join('\n'),
  };
}

function fishOption(path: string, { flags, description, value }: OptionShape): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  return fishLine(
    `__meshctl_in ${path === '' ? `''` : path}`,
    description,
    [...names, ...(value === undefined ? [] : ['-r', fishWords(value)])].join(' '),
  );
}

function fishLine(condition: string, description: string, rest: string): string {
  const text = description === '' ? '' : ` -d ${fishQuote(description)}`;
  return `complete -c meshctl -n ${fishQuote(condition)}${text} ${rest}`;
}

function fishWords(value: ValueShape): string {
  const { words, asks, files } = valueSource(value);
  if (files) return '-F';
  const all = [...words, ...(asks === 'never' ? [] : ['(__meshctl_ask)'])];
  return `-f -a ${fishQuote(all.join(' '))}`;
}
