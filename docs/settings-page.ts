/**
 * Writes docs/settings.md from the settings tables of the programs: `<program>/settings.ts` each.
 * With `--check` it writes nothing and exits 1 when the page is not current.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { flagName, formatDefault } from '../base/settings.ts';
import type { Setting, SettingsTable } from '../base/settings.ts';

const root = path.dirname(import.meta.dirname);
const page = path.join(import.meta.dirname, 'settings.md');

const INTRODUCTION = `# Settings

Written by \`npm run generate\` from the programs' settings tables: change the table, not this page.

A value comes from its flag, then from its environment variable, then from its default. The variable
of \`--idle-timeout-ms\` is \`CULVERT_IDLE_TIMEOUT_MS\`; a setting that may be repeated takes its values
from the variable separated by spaces. Bad values stop the start with one line each and exit code 64.
`;

function isSetting(value: unknown): value is Setting<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'allowed' in value &&
    'fallback' in value &&
    'reason' in value
  );
}

function isTable(value: unknown): value is SettingsTable {
  if (typeof value !== 'object' || value === null) return false;
  const rows = Object.values(value);
  return rows.length > 0 && rows.every(isSetting);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function rowOf([name, setting]: [string, Setting<unknown>]): string {
  const unit = setting.unit === undefined ? '' : ` (${setting.unit})`;
  const repeat = setting.repeatable ? '; may be repeated' : '';
  return `| ${[
    `\`--${flagName(name)}\``,
    cell(`${setting.allowed}${unit}${repeat}`),
    cell(formatDefault(setting.fallback)),
    cell(setting.reason),
  ].join(' | ')} |`;
}

async function sectionOf(program: string): Promise<string> {
  const file = path.join(root, program, 'settings.ts');
  const loaded: unknown = await import(pathToFileURL(file).href);
  const tables = Object.values(loaded as Readonly<Record<string, unknown>>).filter(isTable);
  const rows = tables.flatMap((table) => Object.entries(table).map(rowOf));
  const head = '| flag | allowed | default | why |\n|---|---|---|---|';
  return `\n## ${program}\n\n${head}\n${rows.join('\n')}\n`;
}

const programs = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'base')
  .map((entry) => entry.name)
  .filter((name) => existsSync(path.join(root, name, 'settings.ts')))
  .toSorted();
const sections = await Promise.all(programs.map(sectionOf));
const text = `${INTRODUCTION}${sections.join('')}`;

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
} else if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
  process.stderr.write('docs/settings.md is not current: npm run generate\n');
  process.exitCode = 1;
}
