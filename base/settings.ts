/**
 * Settings: one table a program, each row with name, type, unit, default and reason. A value comes
 * from its flag (`--idle-timeout-ms 3000`), then its environment variable
 * (`CULVERT_IDLE_TIMEOUT_MS`), then its default. Problems are collected, one line each, and stop
 * the start with exit code 64 (EX_USAGE).
 */
import { isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';

/** Exit code of a start that its settings stopped (EX_USAGE of sysexits). */
export const EXIT_USAGE = 64;

/** Longer values are cut in messages. */
const SHOWN_LENGTH = 100;

/** A host and port to listen on or to dial. `host` carries no brackets. */
export interface SocketAddress {
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
}

/** One row of a settings table. */
export interface Setting<T> {
  /** What is allowed, for messages and help: "integer 1 to 64". */
  readonly allowed: string;
  readonly unit: string | undefined;
  readonly fallback: T;
  readonly reason: string;
  readonly repeatable: boolean;
  /** A switch: its flag needs no value. */
  readonly flagOnly: boolean;
  /** The value, or undefined when the text is not allowed. */
  readonly parse: (text: string) => T | undefined;
}

/** Rows by camelCase name with the unit last: `idleTimeoutMs`. */
export type SettingsTable = Record<string, Setting<unknown>>;
/** The values that a table describes. */
export type SettingsOf<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never;
};

interface Described {
  readonly reason: string;
  readonly unit?: string;
}

/** A whole number from `min` to `max`, decimal digits only. */
export function integer(
  options: Described & { readonly fallback: number; readonly min: number; readonly max: number },
): Setting<number> {
  return {
    allowed: `integer ${options.min} to ${options.max}`,
    unit: options.unit,
    fallback: options.fallback,
    reason: options.reason,
    repeatable: false,
    flagOnly: false,
    parse: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= options.min && value <= options.max ? value : undefined;
    },
  };
}

/** Text, whole or as `pattern` says; then `allowed` says the same in words. */
export function text<T extends string | undefined>(
  options: Described & {
    readonly fallback: T;
    readonly pattern?: RegExp;
    readonly allowed?: string;
  },
): Setting<string | T> {
  return {
    allowed: options.allowed ?? 'text',
    unit: options.unit,
    fallback: options.fallback,
    reason: options.reason,
    repeatable: false,
    flagOnly: false,
    parse: (value) => (options.pattern?.test(value) === false ? undefined : value),
  };
}

/** One of a few words. */
export function choice<T extends string>(
  options: Described & { readonly fallback: T; readonly of: readonly T[] },
): Setting<T> {
  return {
    allowed: options.of.join(' | '),
    unit: options.unit,
    fallback: options.fallback,
    reason: options.reason,
    repeatable: false,
    flagOnly: false,
    parse: (value) => options.of.find((allowed) => allowed === value),
  };
}

/** A switch: `--dns` alone means true; `--dns=false` and the variable take true or false. */
export function flag(options: Described): Setting<boolean> {
  return {
    allowed: 'true | false',
    unit: options.unit,
    fallback: false,
    reason: options.reason,
    repeatable: false,
    flagOnly: true,
    parse: (value) => (value === 'true' ? true : value === 'false' ? false : undefined),
  };
}

/** A host and port to listen on or dial. */
export function address<T extends SocketAddress | undefined>(
  options: Described & { readonly fallback: T },
): Setting<SocketAddress | T> {
  return {
    allowed: 'ADDRESS:PORT, as 127.0.0.1:4140 or [::1]:4140',
    unit: options.unit,
    fallback: options.fallback,
    reason: options.reason,
    repeatable: false,
    flagOnly: false,
    parse: parseSocketAddress,
  };
}

/** The setting may be given several times; its variable holds the values separated by spaces. */
export function repeated<T>(one: Setting<T>): Setting<readonly NonNullable<T>[]> {
  const parse = (value: string): readonly NonNullable<T>[] | undefined => {
    const parsed = one.parse(value);
    return parsed === undefined || parsed === null ? undefined : [parsed];
  };
  return { ...one, fallback: [], repeatable: true, parse };
}

/** "127.0.0.1:80", "[::1]:80", "localhost:80"; undefined when the text is none of these. */
export function parseSocketAddress(value: string): SocketAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return undefined;
  return match?.[1] === undefined || isIPv6(host) ? { host, port } : undefined;
}

/** As `parseSocketAddress` reads it: an IPv6 host in brackets. */
export function formatSocketAddress(value: SocketAddress): string {
  return value.host.includes(':') ? `[${value.host}]:${value.port}` : `${value.host}:${value.port}`;
}

/** `idleTimeoutMs` as its flag: `idle-timeout-ms`. */
export const flagName = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
/** `idleTimeoutMs` as its environment variable: `CULVERT_IDLE_TIMEOUT_MS`. */
export const variableName = (name: string): string =>
  `CULVERT_${flagName(name).replaceAll('-', '_').toUpperCase()}`;

/** What `readSettings` found. */
export interface ReadSettings<Table extends SettingsTable> {
  readonly values: SettingsOf<Table>;
  /** One line each: name, value, what is allowed. Empty when all is well. */
  readonly problems: readonly string[];
}

/** Reads every setting of `table`; never throws on bad input. */
export function readSettings<Table extends SettingsTable>(
  table: Table,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadSettings<Table> {
  const problems: string[] = [];
  const given = readFlags(table, args, problems);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    const texts = given.get(name);
    const fromEnv = env[variableName(name)];
    if (texts !== undefined) {
      values[name] = parseOne(setting, texts, `--${flagName(name)}`, problems);
    } else if (fromEnv !== undefined && fromEnv !== '') {
      const parts = setting.repeatable ? fromEnv.split(/\s+/).filter(Boolean) : [fromEnv];
      values[name] = parseOne(setting, parts, variableName(name), problems);
    } else {
      values[name] = setting.fallback;
    }
  }
  // Each value was made by the row's own parse function or is its default.
  return { values: values as SettingsOf<Table>, problems };
}

function readFlags(
  table: SettingsTable,
  args: readonly string[],
  problems: string[],
): Map<string, string[]> {
  const given = new Map<string, string[]>();
  const names = new Map(Object.keys(table).map((name) => [flagName(name), name]));
  const options = Object.fromEntries(
    [...names].map(([flagged, name]) => [
      flagged,
      { type: table[name]?.flagOnly === true ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      problems.push(`${token.value}: unexpected argument; settings are flags, see --help`);
      continue;
    }
    const name = names.get(token.name);
    const setting = name === undefined ? undefined : table[name];
    if (name === undefined || setting === undefined) {
      problems.push(`${token.rawName}: no such setting, see --help`);
    } else if (!setting.flagOnly && isMissing(token.value, token.inlineValue)) {
      problems.push(`${token.rawName}: a value is missing; allowed: ${setting.allowed}`);
    } else {
      const texts = given.get(name) ?? [];
      texts.push(token.value ?? 'true');
      given.set(name, texts);
    }
  }
  return given;
}

/** In `--pod-name --threads 2` the name is missing; `--pod-name=--threads` is meant so. */
const isMissing = (value: string | undefined, inline: boolean | undefined): boolean =>
  value === undefined || (inline === false && value.startsWith('--'));

function parseOne(
  setting: Setting<unknown>,
  texts: readonly string[],
  source: string,
  problems: string[],
): unknown {
  const parsed = texts.map((value) => {
    const result = setting.parse(value);
    if (result === undefined) problems.push(`${source}: ${show(value)} is not ${setting.allowed}`);
    return result;
  });
  if (setting.repeatable) return parsed.flat();
  if (parsed.length > 1) problems.push(`${source}: given ${parsed.length} times, once is allowed`);
  return parsed[0];
}

/** In one line, and not longer than a line. */
const show = (value: string): string =>
  JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);

/** The table as help text, one setting a block. */
export function describeSettings(usage: string, table: SettingsTable): string {
  const rows = Object.entries(table).map(([name, setting]) => {
    const unit = setting.unit === undefined ? '' : ` (${setting.unit})`;
    const repeat = setting.repeatable ? ', may be repeated' : '';
    const fallback = formatDefault(setting.fallback);
    return [
      `  --${flagName(name)}  ${setting.allowed}${unit}${repeat}; default ${fallback}`,
      `      ${variableName(name)}. ${setting.reason}`,
    ].join('\n');
  });
  return `usage: ${usage}\n\n${rows.join('\n')}\n`;
}

/** A default as help and documents show it; "none" when there is none. */
export function formatDefault(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return formatSocketAddress({ host: String(value.host), port: Number(value.port) });
  }
  return JSON.stringify(value);
}

/** Settings of this process; prints help or the problems and exits where that is the answer. */
export function settingsOrExit<Table extends SettingsTable>(
  usage: string,
  table: Table,
  check: (values: SettingsOf<Table>) => readonly string[] = () => [],
): SettingsOf<Table> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(describeSettings(usage, table));
    process.exit(0);
  }
  const { values, problems } = readSettings(table, args, process.env);
  const all = problems.length > 0 ? problems : check(values);
  if (all.length > 0) {
    process.stderr.write(`${all.join('\n')}\n`);
    process.exit(EXIT_USAGE);
  }
  return values;
}
