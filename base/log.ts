/**
 * Log lines on stderr: `2026-01-02T03:04:05.678Z INFO proxy: sentence key=value`. Written with one
 * synchronous call, so that a thread's lines do not wait for the main thread's loop.
 */
import { writeSync } from 'node:fs';
import { Repeats } from './repeats.ts';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** The least level that is written. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** Written as key=value after the sentence; undefined ones are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** A repeated line is written at most once in this time, with the number that was left out. */
const REPEAT_MS = 1_000;

/** The log of one program or thread, named so in each line. Never throws. */
export class Log {
  readonly #name: string;
  #rank: number;
  readonly #now: () => number;
  readonly #write: (line: string) => void;
  readonly #repeats = new Repeats(REPEAT_MS);

  constructor(
    name: string,
    level: LogLevel,
    now: () => number = Date.now,
    write: (line: string) => void = writeStderr,
  ) {
    this.#name = name;
    this.#rank = LOG_LEVELS.indexOf(level);
    this.#now = now;
    this.#write = write;
  }

  setLevel(level: LogLevel): void {
    this.#rank = LOG_LEVELS.indexOf(level);
  }

  debug(sentence: string, fields: LogFields = {}): void {
    this.#log('debug', sentence, fields);
  }

  info(sentence: string, fields: LogFields = {}): void {
    this.#log('info', sentence, fields);
  }

  warn(sentence: string, fields: LogFields = {}): void {
    this.#log('warn', sentence, fields);
  }

  error(sentence: string, fields: LogFields = {}): void {
    this.#log('error', sentence, fields);
  }

  /** As `warn`, at most once a second for each `key`: for what traffic can cause, `times` at once. */
  warnRepeated(key: string, sentence: string, fields: LogFields = {}, times = 1): void {
    const said = this.#repeats.next(key, this.#now(), times);
    if (said > 0)
      this.#log('warn', sentence, said > 1 ? { ...fields, repeated: said - 1 } : fields);
  }

  #log(level: LogLevel, sentence: string, fields: LogFields): void {
    if (LOG_LEVELS.indexOf(level) < this.#rank) return;
    const time = new Date(this.#now()).toISOString();
    let line = `${time} ${level.toUpperCase()} ${this.#name}: ${oneLine(sentence)}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${quote(String(value))}`;
    }
    this.#write(`${line}\n`);
  }
}

/** One line without control characters: what traffic puts into it must not steer a terminal. */
const oneLine = (value: string): string => value.replaceAll(/\p{Cc}+/gu, ' ');
const quote = (value: string): string =>
  /^[\w.:/[\]@%+,-]+$/.test(value) ? value : JSON.stringify(value);

function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // A closed or full stderr must not end the process that serves traffic.
  }
}
