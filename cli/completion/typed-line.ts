import type { CommandShape, OptionShape, ValueShape } from './command-shape.ts';

/** A line that is being typed, as far as it goes. */
export interface TypedLine {
  /** Values of options by their long flag, the last one counts; switches are "". */
  readonly options: ReadonlyMap<string, string>;
  /** Values of arguments, without commands and options. */
  readonly values: readonly string[];
  /** What the last word stands for; undefined for a flag, a command, or one word too many. */
  readonly next: ValueShape | undefined;
  /** The long flag whose value the last word is. */
  readonly nextFlag: string | undefined;
}

/** Reads `words`, those after the program's name; the last one is not complete, perhaps empty. */
export function readTypedLine(program: CommandShape, words: readonly string[]): TypedLine {
  let command = program;
  const options = new Map<string, string>();
  const values: string[] = [];
  let waiting: OptionShape | undefined;
  for (const word of words.slice(0, -1)) {
    if (waiting !== undefined) {
      options.set(longFlag(waiting), word);
      waiting = undefined;
    } else if (word.startsWith('-')) {
      const [flag = '', ...parts] = word.split('=');
      const option = command.options.find(({ flags }) => flags.includes(flag));
      if (option === undefined) continue;
      if (option.value === undefined || parts.length > 0) {
        options.set(longFlag(option), parts.join('='));
      } else waiting = option;
    } else {
      const next = command.commands.find(({ name }) => name === word);
      if (next === undefined) values.push(word);
      else command = next;
    }
  }
  return waiting === undefined
    ? { options, values, next: command.values[values.length], nextFlag: undefined }
    : { options, values, next: waiting.value, nextFlag: longFlag(waiting) };
}

const longFlag = ({ flags }: OptionShape): string => flags.at(-1) ?? '';
