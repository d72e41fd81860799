/** What programs under test/prove have in common: their one argument and their closing table. */

const EXIT_USAGE = 64;

/**
 * What was given, by default the first argument, as a number above 0, or `fallback`; ends the program
 * when it is neither.
 */
export function argument(what: string, fallback: number, given = process.argv[2]): number {
  const value = given === undefined ? fallback : Number(given);
  if (value > 0 && Number.isFinite(value)) return value;
  process.stderr.write(`"${given}" is not a number of ${what}, as ${fallback}\n`);
  return process.exit(EXIT_USAGE);
}

/** One line of progress. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The closing table; with problems the program will exit with 1. */
export function conclude(
  title: string,
  rows: Readonly<Record<string, number | string>>,
  problems: readonly string[],
): void {
  const width = Math.max(...Object.keys(rows).map((name) => name.length)) + 2;
  say(`\n${title}: ${problems.length === 0 ? 'holds' : 'FAILS'}`);
  for (const [name, value] of Object.entries(rows)) say(`  ${name.padEnd(width)}${value}`);
  for (const problem of problems) say(`  ! ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}
