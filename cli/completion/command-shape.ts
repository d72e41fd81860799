/** What can be typed, as plain values: read from commander, so that every command completes. */
import type { Argument, Command, Option } from 'commander';

/** A word that the user fills in. */
export interface ValueShape {
  /** The word in <…>: what the value is, and so where its completions come from. */
  readonly name: string;
  /** All values there are; empty where others are allowed. */
  readonly choices: readonly string[];
}

/** One option; `value` is undefined for a switch. */
export interface OptionShape {
  /** As typed, short one first: "-o", "--output". */
  readonly flags: readonly string[];
  readonly description: string;
  readonly value: ValueShape | undefined;
}

/** One command. */
export interface CommandShape {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly values: readonly ValueShape[];
  readonly commands: readonly CommandShape[];
}

/** The shape of `command` and of all below it that its help shows. */
export function commandShape(command: Command): CommandShape {
  const help = command.createHelp();
  return {
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(optionShape),
    values: command.registeredArguments.map(argumentShape),
    commands: help.visibleCommands(command).map(commandShape),
  };
}

function optionShape({ short, long, flags, description, argChoices }: Option): OptionShape {
  const name = /[<[]([^>\].]+)/.exec(flags)?.[1];
  return {
    flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
    description,
    value: name === undefined ? undefined : { name, choices: argChoices ?? [] },
  };
}

const argumentShape = (argument: Argument): ValueShape => ({
  name: argument.name(),
  choices: argument.argChoices ?? [],
});
