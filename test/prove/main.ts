/**
 * `npm run prove -- NAME [arguments]`: proofs too long for every change, as soaks and repeats.
 * Each is a program `test/prove/NAME.ts` whose first comment line says what it proves.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../run-command.ts';

const EXIT_USAGE = 64;
const directory = import.meta.dirname;
const launcher = path.resolve(directory, '../../base/launch.mjs');

const names = readdirSync(directory)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts' && !file.endsWith('.test.ts'))
  .map((file) => path.basename(file, '.ts'));

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && names.includes(name)) {
  process.exitCode = await runCommand(process.execPath, [
    launcher,
    path.join(directory, `${name}.ts`),
    ...args,
  ]);
} else {
  const problem = name === undefined ? '' : `There is no proof named "${name}".\n`;
  const rows = names.map((each) => `  ${each.padEnd(16)}${describe(each)}`);
  process.stderr.write(`${problem}usage: npm run prove -- NAME\n\n${rows.join('\n')}\n`);
  process.exitCode = EXIT_USAGE;
}

/** The first sentence of the program's first comment. */
function describe(proof: string): string {
  const text = readFileSync(path.join(directory, `${proof}.ts`), 'utf8');
  return /\/\*\*[\s*]*(.+?)(?:\.\s|\.$|\*\/|$)/m.exec(text)?.[1]?.trim() ?? '';
}
