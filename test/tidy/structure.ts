/** Rules about how files hang together: ranks, cycles, dead files. */
import path from 'node:path';
import { isTest, lineAt, resolve, written } from './tree.ts';
import type { Import, Problem, Rule, Source, Tree } from './tree.ts';

/** Ranks of the proxy's parts, lowest first (ARCHITECTURE.md, Ranks). */
const PROXY_RANKS: readonly (readonly string[])[] = [
  [],
  ['model/'],
  ['limits.ts', 'errors.ts', 'settings.ts', 'descriptors.ts'],
  ['codec/'],
  ['transport/'],
  ['session/'],
  'accept detect policy route attempt balance budget pool observe'.split(' ').map((it) => `${it}/`),
  ['control/', 'admin/', 'memory/', 'tap/'],
  ['stack-parts.ts'],
  ['upstreams.ts'],
  ['stack.ts'],
  ['interception.ts'],
  ['worker.ts'],
  ['proxy-process.ts'],
  ['main.ts'],
];
/** Files of rank 2 lie in one folder and may use each other. */
const RANK_OF_PROXY_FILES = 2;

/** What the other programs may import besides themselves. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  api: [],
  controller: ['base/', 'api/'],
  cli: ['base/', 'api/'],
  dashboard: ['base/', 'api/'],
  capacity: ['base/', 'api/', 'bench/load/', 'bench/stats/'],
  bench: ['base/', 'api/', 'proxy/codec/'],
  flamegraphs: ['base/', 'api/', 'bench/'],
  k8s: ['base/', 'api/'],
  examples: ['base/', 'api/gen/'],
  docs: ['base/'],
};

interface Part {
  readonly name: string;
  readonly rank: number;
}

function proxyPart(file: string): Part | undefined {
  const rest = file.slice('proxy/'.length);
  const rank = PROXY_RANKS.findIndex((parts) =>
    parts.some((part) => (part.endsWith('/') ? rest.startsWith(part) : rest === part)),
  );
  if (rank === -1) return undefined;
  if (rank === RANK_OF_PROXY_FILES) return { name: 'limits, errors, settings, descriptors', rank };
  return { name: rest.split('/')[0] ?? rest, rank };
}

const isHot = (source: Source | undefined): boolean =>
  source?.comments.some((comment) => /^[\s*]*HOT:/m.test(comment.text)) === true;

/** Why `from` must not import `to`; undefined when it may. */
function whyNot(tree: Tree, from: string, to: string): string | undefined {
  if (isTest(from)) return undefined;
  if (isTest(to)) return 'only tests import tests';
  const area = from.split('/')[0] ?? '';
  const targetArea = to.split('/')[0] ?? '';
  if (area === 'proxy') return whyNotProxy(from, to);
  const allowed = ALLOWED[area];
  if (allowed === undefined) return `${area} has no place in the ranks`;
  if (targetArea === area || allowed.some((prefix) => to.startsWith(prefix))) return undefined;
  const measurable = to.startsWith('proxy/model/') || isHot(tree.sources.get(to));
  if (from.startsWith('bench/micro/') && measurable) return undefined;
  if (from.startsWith('cli/dev/') && to.startsWith('k8s/init/')) return undefined;
  return `${area} may not import ${targetArea}`;
}

function whyNotProxy(from: string, to: string): string | undefined {
  const own = proxyPart(from);
  if (own === undefined) return `${from} has no rank`;
  if (to.startsWith('base/') || to === 'api/histogram.ts') return undefined;
  if (to.startsWith('api/')) {
    return own.name === 'control' || own.name === 'tap'
      ? undefined
      : 'only proxy/control and proxy/tap import API services';
  }
  const other = to.startsWith('proxy/') ? proxyPart(to) : undefined;
  if (other === undefined) return `${to} has no rank below the proxy's`;
  if (other.name === own.name || other.rank < own.rank) return undefined;
  return `${own.name} (rank ${own.rank}) may not import ${other.name} (rank ${other.rank})`;
}

const importRanks: Rule = {
  name: 'imports go down the ranks',
  reason: 'a part can be read, tested and replaced without knowing what stands above or beside it',
  check: (tree) =>
    written(tree).flatMap((source) =>
      source.imports.flatMap(({ target, start }) => {
        const why = target === undefined ? undefined : whyNot(tree, source.path, target);
        if (why === undefined) return [];
        return [{ path: source.path, line: lineAt(source.text, start), message: why }];
      }),
    ),
  bad: [
    { 'proxy/codec/a.ts': `import { b } from '../session/b.ts';` },
    { 'proxy/pool/a.ts': `import type { B } from '../balance/b.ts';` },
    { 'proxy/odd/a.ts': `import { b } from '../model/b.ts';` },
    { 'proxy/main.ts': `import { b } from './odd/b.ts';` },
    { 'proxy/session/a.ts': `import { b } from '../../api/gen/b.ts';` },
    { 'proxy/main.ts': `import { b } from '../controller/b.ts';` },
    { 'base/a.ts': `export { b } from '../api/b.ts';` },
    { 'controller/a.ts': `import { b } from '../proxy/model/b.ts';` },
    { 'bench/a.ts': `import { b } from '../cli/b.ts';` },
    { 'bench/micro/a.ts': `import { b } from '../../proxy/pool/b.ts';`, 'proxy/pool/b.ts': '' },
    { 'cli/a.ts': `const b = await import('../test/support/b.ts');` },
    { 'news/a.ts': `import '../base/b.ts';` },
  ],
  good: {
    'proxy/session/a.ts': `import { b } from '../codec/b.ts'; import { c } from './c.ts';`,
    'proxy/errors.ts': `import type { L } from './limits.ts'; import '../base/log.ts';`,
    'proxy/stack.ts': `import { a } from './pool/a.ts'; import { b } from './balance/b.ts';`,
    'proxy/control/a.ts': `import { b } from '../../api/gen/b.ts'; import fs from 'node:fs';`,
    'proxy/observe/a.ts': `import { b } from '../../api/histogram.ts';`,
    'bench/micro/a.ts': `import '../../proxy/pool/hot.ts'; import '../../proxy/model/b.ts';`,
    'proxy/pool/hot.ts': '// HOT: per exchange.',
    'proxy/observe/a.test.ts': `import { b } from '../../cli/b.ts';`,
    'cli/a.ts': `import { b } from '../api/b.ts'; // import { c } from '../proxy/c.ts';`,
  },
};

function findCycles(tree: Tree): Problem[] {
  const problems: Problem[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    const source = tree.sources.get(file);
    if (source === undefined || done.has(file)) return;
    trail.push(file);
    for (const { target, start } of source.imports) {
      if (target === undefined) continue;
      const at = trail.indexOf(target);
      if (at === -1) visit(target);
      else {
        const message = `cycle: ${[...trail.slice(at), target].join(' -> ')}`;
        problems.push({ path: file, line: lineAt(source.text, start), message });
      }
    }
    trail.pop();
    done.add(file);
  };
  for (const { path: file } of written(tree)) visit(file);
  return problems;
}

const importCycles: Rule = {
  name: 'no import cycles',
  reason: 'files that need each other are one file, and their order of loading is an accident',
  check: findCycles,
  bad: [
    { 'base/a.ts': `import { b } from './b.ts';`, 'base/b.ts': `import { a } from './a.ts';` },
    {
      'base/a.ts': `import { b } from './b.ts';`,
      'base/b.ts': `import { c } from './c.ts';`,
      'base/c.ts': `export type { A } from './a.ts';`,
    },
  ],
  good: {
    'base/a.ts': `import { b } from './b.ts'; import { c } from './c.ts';`,
    'base/b.ts': `import { c } from './c.ts';`,
    'base/c.ts': '',
  },
};

const MENTION = /[\w./-]+\.(?:ts|mjs)\b/g;

/** `x.test.ts` and `x.prop.test.ts` are the tests of `x.ts`. */
const isOwnTest = (test: string, file: string): boolean =>
  test.endsWith('.test.ts') &&
  path.posix.dirname(test) === path.posix.dirname(file) &&
  path.posix.basename(test).split('.')[0] === path.posix.basename(file).split('.')[0];

/** Files that a text names, as a path from the root or from its own folder. */
function mentioned(tree: Tree, file: string, text: string): string[] {
  return [...text.matchAll(MENTION)]
    .flatMap(([name]) => [
      path.posix.normalize(name),
      path.posix.join(path.posix.dirname(file), name),
    ])
    .filter((name) => tree.sources.has(name));
}

function neighbours(tree: Tree, source: Source): string[] {
  const imported = source.imports.map((each: Import) => each.target ?? '');
  const named = [...source.strings.values()].flatMap((text) => mentioned(tree, source.path, text));
  return [...imported, ...named].filter((file) => !isOwnTest(source.path, file));
}

function findDead(tree: Tree): Problem[] {
  const alive = new Set<string>();
  const reach = (file: string): void => {
    const source = tree.sources.get(file);
    if (source === undefined || alive.has(file)) return;
    alive.add(file);
    for (const each of neighbours(tree, source)) reach(each);
  };
  for (const [file, text] of tree.texts) {
    if (file.endsWith('.md')) continue;
    for (const each of mentioned(tree, file, text)) reach(each);
  }
  for (const file of tree.sources.keys()) {
    if (file.endsWith('.test.ts') || file.startsWith('test/prove/')) reach(file);
  }
  const message = 'nothing but its own test reaches this file';
  return written(tree)
    .filter((source) => !alive.has(source.path))
    .map((source) => ({ path: source.path, line: 1, message }));
}

const deadFiles: Rule = {
  name: 'no dead files',
  reason: 'code that no program, test or script reaches misleads whoever reads it',
  check: findDead,
  bad: [
    { 'package.json': '{"scripts":{"start":"node proxy/main.ts"}}', 'proxy/old.ts': '' },
    { 'base/a.ts': '', 'base/a.test.ts': `import { a } from './a.ts';` },
    { 'base/a.ts': '', 'README.md': 'see base/a.ts' },
  ],
  good: {
    'package.json': '{"scripts":{"start":"node proxy/main.ts"}}',
    'cli/package.json': '{"bin":{"meshctl":"bin/meshctl.mjs"}}',
    'cli/bin/meshctl.mjs': `await launch('cli/main.ts');`,
    'cli/main.ts': '',
    'proxy/main.ts': `new Worker(new URL('./worker.ts', import.meta.url));`,
    'proxy/worker.ts': `import { s } from './stack.ts';`,
    'proxy/stack.ts': '',
    'test/support/peer.ts': '',
    'test/integration/faults.test.ts': `import { p } from '../support/peer.ts';`,
  },
};

/** Where the code of a sidecar begins: its main thread, and its data threads. */
const SIDECAR_ROOTS = ['proxy/main.ts', 'proxy/worker.ts'];
const TOO_LARGE = /^(?:@grpc\/grpc-js(?:\/.*)?|node:https?|node:http2)$/;

/** Generated sources too: what they import is loaded with them. */
function findLargeModules(tree: Tree): Problem[] {
  const reached = new Set<string>();
  const problems: Problem[] = [];
  const reach = (file: string): void => {
    const source = tree.sources.get(file);
    if (source === undefined || reached.has(file)) return;
    reached.add(file);
    for (const { specifier, start, target } of source.imports) {
      if (target !== undefined) reach(target);
      else if (TOO_LARGE.test(specifier)) {
        const line = lineAt(source.text, start);
        problems.push({ path: file, line, message: `a sidecar would load ${specifier}` });
      }
    }
  };
  SIDECAR_ROOTS.forEach(reach);
  return problems;
}

const leanSidecar: Rule = {
  name: 'a sidecar loads no HTTP or gRPC library',
  reason: 'each pod pays for it: grpc-js costs 8 MB, node:http 6 (docs/decisions/015)',
  check: findLargeModules,
  bad: [
    { 'proxy/main.ts': `await import('./a.ts');`, 'proxy/a.ts': `import '@grpc/grpc-js';` },
    {
      'proxy/worker.ts': `import { a } from '../api/gen/a.ts';`,
      'api/gen/a.ts': 'import { b } from "@grpc/grpc-js";',
    },
    { 'proxy/main.ts': `import http2 from 'node:http2';` },
  ],
  good: {
    'proxy/main.ts': `import { a } from './a.ts'; import net from 'node:net';`,
    'proxy/a.ts': `import { a } from '../api/gen/a.ts'; import { constants } from 'node:os';`,
    'proxy/a.test.ts': `import http from 'node:http';`,
    'api/gen/a.ts': '',
    'api/gen/a_service.ts': `import { a } from '@grpc/grpc-js';`,
    'controller/main.ts': `import { a } from '../api/gen/a_service.ts';`,
  },
};

/** A relative import that names no file would only fail when it is reached. */
const importsResolve: Rule = {
  name: 'relative imports name files',
  reason: 'an import() in a rarely taken branch fails when it is needed',
  check: (tree) =>
    written(tree).flatMap((source) =>
      source.imports
        .filter(({ specifier }) => {
          const target = resolve(source.path, specifier);
          return target !== undefined && !tree.paths.has(target);
        })
        .map(({ specifier, start }) => ({
          path: source.path,
          line: lineAt(source.text, start),
          message: `there is no ${specifier}`,
        })),
    ),
  bad: [{ 'base/a.ts': `const b = await import('./b.ts');` }],
  good: { 'base/a.ts': `const b = await import('./b.ts');`, 'base/b.ts': '' },
};

export const structureRules: readonly Rule[] = [
  importRanks,
  importCycles,
  importsResolve,
  leanSidecar,
  deadFiles,
];
