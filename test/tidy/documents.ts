/** Rules about what is said of the code: lengths, comments, docstrings, links, settings. */
import path from 'node:path';
import { flagName } from '../../base/settings.ts';
import { isTest, lineAt, written } from './tree.ts';
import type { Problem, Rule, Source, Tree } from './tree.ts';

const LINES_MAX = 400;
const STACK_LINES_MAX = 150;
/** Tables of constants are as long as what they list. */
const TABLE = /(?:^|[-/])tables?\.ts$/;

function linesMax(file: string): number {
  if (file === 'proxy/stack.ts') return STACK_LINES_MAX;
  return isTest(file) || TABLE.test(file) ? Number.POSITIVE_INFINITY : LINES_MAX;
}

const fileLength: Rule = {
  name: 'files are short',
  reason: 'a file is one thing; proxy/stack.ts is the whole data path and must read at one sitting',
  check: (tree) =>
    written(tree).flatMap(({ path, text }) => {
      const lines = text.trimEnd().split('\n').length;
      const most = linesMax(path);
      return lines > most ? [{ path, line: most, message: `${lines} lines, at most ${most}` }] : [];
    }),
  bad: [
    { 'proxy/stack.ts': 'a;\n'.repeat(STACK_LINES_MAX + 1) },
    { 'base/a.ts': 'a;\n'.repeat(LINES_MAX + 1) },
  ],
  good: {
    'proxy/stack.ts': 'a;\n'.repeat(STACK_LINES_MAX),
    'proxy/codec/http2/hpack/static-table.ts': 'a;\n'.repeat(LINES_MAX + 1),
    'base/a.test.ts': 'a;\n'.repeat(LINES_MAX + 1),
  },
};

const hotComments: Rule = {
  name: 'hot code says how hot it is',
  reason: 'the benchmarks and the readers find the hot functions by this mark',
  check: (tree) =>
    written(tree).flatMap((source) =>
      source.comments.flatMap(({ start, text }) =>
        [...text.matchAll(/\bHOT\b(?!: per (?:byte|frame|exchange)\b)/g)].map((match) => ({
          path: source.path,
          line: lineAt(source.text, start + 2 + match.index),
          message: 'write HOT: per byte | per frame | per exchange',
        })),
      ),
    ),
  bad: [{ 'base/a.ts': '// HOT' }, { 'base/a.ts': '/** HOT: per request. */' }],
  good: { 'base/a.ts': '// HOT: per byte\n/** HOT: per exchange. Does. */\nconst a = /HOT/;' },
};

const EXPORT =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:const|let|function\*?|class|interface|type|enum)\b[^\n]*/gm;

/**
 * Offsets of exports without a docstring. One above a run of one-line exports covers them all; the
 * file's own covers the only export of a file, and what follows it directly.
 */
function undocumented(source: Source): number[] {
  const exports = [...source.code.matchAll(EXPORT)];
  const head = /^\/\*\*[\s\S]*?\*\/\s*/.exec(source.text)?.[0];
  if (head !== undefined && exports.length === 1) return [];
  const lines = source.text.split('\n');
  const documented = new Set<number>();
  return exports
    .filter((match) => {
      const line = lineAt(source.text, match.index) - 1;
      let above = line - 1;
      while (lines[above]?.startsWith('// HOT:') === true) above--;
      const covered =
        match.index === head?.length ||
        lines[above]?.trimEnd().endsWith('*/') === true ||
        documented.has(above);
      if (covered && match[0].trimEnd().endsWith(';')) documented.add(line);
      return !covered;
    })
    .map((match) => match.index);
}

const docstrings: Rule = {
  name: 'every export has a docstring',
  reason: 'units, shapes and errors are not in the types, and the reader should not have to guess',
  check: (tree) =>
    written(tree)
      .filter(({ path }) => !isTest(path) && path.endsWith('.ts'))
      .flatMap((source) =>
        undocumented(source).map((offset) => ({
          path: source.path,
          line: lineAt(source.text, offset),
          message: 'no /** docstring */ above this export',
        })),
      ),
  bad: [
    { 'base/a.ts': '/** Of a. */\n\nexport const a = 1;\n\nexport const b = 1;' },
    { 'base/a.ts': '// HOT: per byte\nexport function a(): void {}' },
    { 'base/a.ts': '// Not a docstring.\nexport function a(): void {}' },
    { 'base/a.ts': '/** One. */\nexport const a = 1;\n\nexport const b = 2;' },
  ],
  good: {
    'base/a.ts': '/** Both. */\nexport const a = 1;\nexport const b = 2;\n\nconst c = "export";',
    'base/c.ts': '/** All. */\n\nexport const a = 1;\nexport const b = 2;',
    'base/d.ts': `/** The class. */\nimport { a } from './c.ts';\n\nexport class D {}`,
    'base/e.ts':
      '/** E. */\n// HOT: per byte\nexport function e() {}\n/** F. */\nexport class F {}',
    'base/b.ts': '/**\n * A type.\n */\nexport type B = string;',
    'base/b.test.ts': 'export const a = 1;',
  },
};

/** A heading's anchor, as code hosts make it. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');

/** As long as the text, without what stands in code fences and code spans. */
const prose = (text: string): string =>
  text
    .replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, (fence) => fence.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/`[^`\n]*`/g, (span) => (/[[\]()]/.test(span) ? ' '.repeat(span.length) : span));

function anchorsOf(text: string): Set<string> {
  const headings = prose(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  return new Set([...headings].map((match) => anchorOf(match[1] ?? '')));
}

function brokenLinks(tree: Tree, file: string, text: string): Problem[] {
  const links = [...prose(text).matchAll(/\]\(\s*<?([^)\s>]+)/g)];
  return links.flatMap((match) => {
    const link = match[1] ?? '';
    if (/^[a-z][a-z+.-]*:/i.test(link)) return [];
    const [name = '', anchor] = decodeURI(link).split('#');
    const target = name === '' ? file : path.posix.join(path.posix.dirname(file), name);
    const clean = target.replace(/\/$/, '');
    const problem = { path: file, line: lineAt(text, match.index) };
    if (clean !== '.' && !tree.paths.has(clean)) {
      return [{ ...problem, message: `there is no ${clean}` }];
    }
    const headings = tree.texts.get(clean);
    if (anchor === undefined || headings === undefined || !clean.endsWith('.md')) return [];
    return anchorsOf(headings).has(anchor)
      ? []
      : [{ ...problem, message: `${clean} has no heading #${anchor}` }];
  });
}

const documentLinks: Rule = {
  name: 'links in documents lead somewhere',
  reason: 'a document with one dead link is believed less in all it says',
  check: (tree) =>
    [...tree.texts]
      .filter(([file]) => file.endsWith('.md'))
      .flatMap(([file, text]) => brokenLinks(tree, file, text)),
  bad: [
    { 'README.md': '[a](docs/a.md)' },
    { 'docs/a.md': '[b](../b.md)', 'docs/b.md': '' },
    { 'README.md': '[a](#nowhere)\n# Here' },
    { 'README.md': '[a](a.md#there)', 'a.md': '# Here\n```\n# There\n```' },
  ],
  good: {
    'README.md':
      '[a](docs/a.md#the-b-of-c) [x](https://x.invalid/y.md)\n```\n[no](no.md)\n```\n[d](docs/)',
    'docs/a.md': '# The `b` of c!\n[r](../README.md) [t](#the-b-of-c)',
  },
};

/** Comments and help name documents by their path from the root. */
const namedDocuments: Rule = {
  name: 'documents that sources name exist',
  reason: 'a comment that sends its reader to a page must not send them nowhere',
  check: (tree) =>
    written(tree)
      .filter(({ path }) => !path.startsWith('test/tidy/'))
      .flatMap((source) =>
        [...source.text.matchAll(/\bdocs\/[\w/-][\w./-]*\.md\b/g)]
          .filter((match) => !tree.paths.has(match[0]))
          .map((match) => ({
            path: source.path,
            line: lineAt(source.text, match.index),
            message: `there is no ${match[0]}`,
          })),
      ),
  bad: [{ 'base/a.ts': '// see docs/gone.md' }],
  good: { 'base/a.ts': '// see docs/here.md', 'docs/here.md': '' },
};

const SETTING = /^ {2}(\w+): (?:integer|text|choice|flag|address|repeated)\(/gm;
const SETTINGS_PAGE = 'docs/settings.md';

const settingsDocumented: Rule = {
  name: 'every setting is documented',
  reason: 'a setting nobody can find is a constant; npm run generate writes the page',
  check: (tree) => {
    const page = tree.texts.get(SETTINGS_PAGE) ?? '';
    return written(tree)
      .filter(({ path }) => path.endsWith('/settings.ts') && !path.startsWith('base/'))
      .flatMap((source) =>
        [...source.code.matchAll(SETTING)]
          .filter((match) => !page.includes(`\`--${flagName(match[1] ?? '')}\``))
          .map((match) => ({
            path: source.path,
            line: lineAt(source.text, match.index),
            message: `${SETTINGS_PAGE} does not name --${flagName(match[1] ?? '')}`,
          })),
      );
  },
  bad: [
    { 'proxy/settings.ts': 'const t = {\n  drainQuietMs: integer({ fallback: 1 }),\n};' },
    {
      'proxy/settings.ts': 'const t = {\n  threads: integer({ fallback: 1 }),\n};',
      'docs/settings.md': '`--threads-per-core`',
    },
  ],
  good: {
    'proxy/settings.ts': 'const t = {\n  drainQuietMs: integer({\n    fallback: 1 }),\n};',
    'docs/settings.md': '| `--drain-quiet-ms` |',
    'base/settings.ts': 'const t = {\n  other: integer({}),\n};',
  },
};

export const documentRules: readonly Rule[] = [
  fileLength,
  hotComments,
  docstrings,
  documentLinks,
  namedDocuments,
  settingsDocumented,
];
