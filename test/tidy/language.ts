/** Rules about what the code says: banned calls and imports, each with its reason. */
import { isTest, lineAt, written } from './tree.ts';
import type { Problem, Rule, Source, Tree } from './tree.ts';

interface Ban {
  readonly name: string;
  readonly reason: string;
  /** Looked for in code only: not in comments, strings and regular expressions. */
  readonly pattern: RegExp;
  /** Where it is banned. */
  readonly within: (file: string) => boolean;
  readonly bad: readonly Readonly<Record<string, string>>[];
  readonly good: Readonly<Record<string, string>>;
}

function ban({ name, reason, pattern, within, bad, good }: Ban): Rule {
  const check = (tree: Tree): Problem[] =>
    written(tree)
      .filter((source) => within(source.path))
      .flatMap((source) =>
        [...source.code.matchAll(pattern)].map((match) => ({
          path: source.path,
          line: lineAt(source.text, match.index),
          message: match[0].trim(),
        })),
      );
  return { name, reason, check, bad, good };
}

/** Bans the import of a package or built-in module. */
function banImport({ pattern, within, ...rest }: Ban): Rule {
  const importsOf = (source: Source): Problem[] =>
    source.imports
      .filter(({ specifier }) => pattern.test(specifier))
      .map(({ specifier, start }) => ({
        path: source.path,
        line: lineAt(source.text, start),
        message: `import of ${specifier}`,
      }));
  const check = (tree: Tree): Problem[] =>
    written(tree)
      .filter((source) => within(source.path))
      .flatMap(importsOf);
  return { check, ...rest };
}

const everywhere = (): boolean => true;
const below =
  (...folders: readonly string[]) =>
  (file: string): boolean =>
    !isTest(file) && folders.some((folder) => file.startsWith(folder));
const outside =
  (...prefixes: readonly string[]) =>
  (file: string): boolean =>
    !isTest(file) && !prefixes.some((prefix) => file.startsWith(prefix));

/** Programs' first files: there the clock, the random numbers and the exit code come from. */
const isEntry = (file: string): boolean =>
  /(?:^|\/)main\.ts$/.test(file) || file === 'proxy/worker.ts' || file.startsWith('examples/');

export const languageRules: readonly Rule[] = [
  ban({
    name: 'no default exports',
    reason: 'a default export has another name in each file that imports it',
    pattern: /\bexport\s+default\b|\bas\s+default\b/g,
    within: everywhere,
    bad: [
      { 'base/a.ts': 'export default function a() {}' },
      { 'base/a.ts': 'export { a as default };' },
    ],
    good: { 'base/a.ts': `// export default\nexport const a = 'export default';` },
  }),
  ban({
    name: 'no barrels',
    reason: 'a file that only passes others on loads them all and hides where a thing lives',
    pattern: /\bexport\s*\*/g,
    within: everywhere,
    bad: [{ 'base/a.ts': `export * from './b.ts';` }],
    good: { 'base/a.ts': `export const a = 2 * 3;` },
  }),
  ban({
    name: 'no any',
    reason:
      'it turns the type checker off for all it touches; unknown says the same and stays safe',
    pattern: /(?<![.\w$])any\b(?!\s*[:(])/g,
    within: everywhere,
    bad: [
      { 'base/a.ts': 'let a: any;' },
      { 'base/a.ts': 'const b = a as any;' },
      { 'base/a.test.ts': 'const a: Map<string, any[]> = new Map();' },
    ],
    good: {
      'base/a.ts': `// any\nconst a = Promise.any([]); const b = 'any'; const c = { any: 1 };`,
    },
  }),
  ban({
    name: 'no eval',
    reason: 'code made from text cannot be checked, and text may come from outside',
    pattern: /\bnew\s+Function\b|(?<![.\w$])eval\s*\(/g,
    within: everywhere,
    bad: [{ 'base/a.ts': `new Function('return 1');` }, { 'base/a.mjs': `eval('1');` }],
    good: { 'base/a.ts': 'const f: Function = g; interval(1);' },
  }),
  ban({
    name: 'no console in what serves',
    reason: `a thread's console writes through the main thread's loop and waits for it: use base/log.ts`,
    pattern: /\bconsole\.\w+/g,
    within: outside('cli/', 'bench/', 'examples/', 'capacity/', 'flamegraphs/'),
    bad: [{ 'proxy/pool/a.ts': `console.log('x');` }, { 'base/a.ts': `console.error('x');` }],
    good: { 'cli/a.ts': `console.log('x');`, 'base/a.test.ts': `console.log('x');` },
  }),
  ban({
    name: 'no Buffer.concat on the data path',
    reason: 'it allocates and copies once per frame: write into a scratch, or keep views',
    pattern: /\bBuffer\.concat\b/g,
    within: below('proxy/session/', 'proxy/transport/', 'proxy/codec/'),
    bad: [{ 'proxy/codec/http1/a.ts': 'const a = Buffer.concat([b, c]);' }],
    good: {
      'proxy/codec/a.test.ts': 'Buffer.concat([]);',
      'controller/a.ts': 'Buffer.concat([]);',
    },
  }),
  ban({
    name: 'no timers of their own on the data path',
    reason: 'a timer per request costs more than the request: use the timer wheel stack.ts gives',
    pattern: /(?<![.\w$])(?:setTimeout|setInterval)\b/g,
    within: below('proxy/session/', 'proxy/pool/', 'proxy/attempt/'),
    bad: [
      { 'proxy/pool/a.ts': 'setTimeout(close, 3_000);' },
      { 'proxy/session/a.ts': 'setInterval(check, 1_000);' },
    ],
    good: {
      'proxy/session/a.ts': 'socket.setTimeout(0);',
      'proxy/admin/a.ts': 'setTimeout(f, 1);',
    },
  }),
  ban({
    name: 'clock and random numbers are injected',
    reason: 'what asks the machine itself cannot be tested at a given time or replayed from a seed',
    pattern: /\bMath\.random\b|\bDate\.now\b|\bnew\s+Date\(\s*\)/g,
    within: (file) => outside('base/', 'bench/')(file) && !isEntry(file),
    bad: [
      { 'proxy/balance/a.ts': 'const i = Math.random();' },
      { 'controller/telemetry/a.ts': 'const now = Date.now();' },
      { 'cli/stat/a.ts': 'const now = new Date();' },
    ],
    good: {
      'proxy/main.ts': 'const now = Date.now;',
      'base/clock.ts': 'Date.now();',
      'controller/a.ts': 'const at = new Date(ms);',
    },
  }),
  ban({
    name: 'only programs end their process',
    reason:
      'an exit deep inside skips what others must close: return, throw or set process.exitCode',
    pattern: /\bprocess\.(?:exit|abort|reallyExit)\b/g,
    within: (file) =>
      outside('base/settings.ts', 'base/launch.mjs', 'bench/')(file) && !isEntry(file),
    bad: [
      { 'proxy/control/a.ts': 'process.exit(1);' },
      { 'cli/commands/a.ts': 'process.abort();' },
    ],
    good: { 'proxy/main.ts': 'process.exit(1);', 'cli/a.ts': 'process.exitCode = 1;' },
  }),
  banImport({
    name: 'no index of hdr-histogram-js',
    reason: 'it costs 13 to 19 MB a process: import api/histogram.ts',
    pattern: /^hdr-histogram-js$/,
    within: everywhere,
    bad: [{ 'bench/a.ts': `import { build } from 'hdr-histogram-js';` }],
    good: { 'api/histogram.ts': `import Int32 from 'hdr-histogram-js/dist/Int32Histogram.js';` },
  }),
  banImport({
    name: 'no node:http in the proxy',
    reason: 'it costs 12 MB, and node:http2 eight times the CPU of our own codec',
    pattern: /^(?:node:)?(?:http|https|http2)$/,
    within: below('proxy/'),
    bad: [
      { 'proxy/admin/a.ts': `import http from 'node:http';` },
      { 'proxy/session/a.ts': `const h = await import('http2');` },
    ],
    good: {
      'proxy/a.test.ts': `import http from 'node:http';`,
      'controller/admin/a.ts': `import http from 'node:http';`,
    },
  }),
];
