/**
 * The flame-graph library as one script: d3-flame-graph and the parts of D3 that it needs, each as
 * its package ships it for a page without modules. They all add to one global, `d3`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What needs another comes after it. */
const PARTS = [
  'd3-array',
  'd3-color',
  'd3-dispatch',
  'd3-ease',
  'd3-format',
  'd3-hierarchy',
  'd3-interpolate',
  'd3-time',
  'd3-time-format',
  'd3-timer',
  'd3-scale',
  'd3-selection',
  'd3-transition',
] as const;

/**
 * JavaScript for one script element, about 130 KB; it defines `d3` and `flamegraph`. Throws when the
 * packages are not installed.
 */
export function libraryScript(): string {
  const ours = createRequire(import.meta.url);
  const chart = ours.resolve('d3-flame-graph');
  const theirs = createRequire(chart);
  const folderOf = (name: string): string => path.dirname(theirs.resolve(name));
  const scripts = [
    ...PARTS.map((name) => path.join(folderOf(name), '..', 'dist', `${name}.min.js`)),
    path.join(path.dirname(chart), 'd3-flamegraph.umd.min.js'),
  ];
  return scripts.map((file) => textOf(file)).join('\n');
}

function textOf(file: string): string {
  const text = readFileSync(file, 'utf8').trim();
  // It would end the element that it is put into.
  if (/<\/script/i.test(text)) throw new Error(`${path.basename(file)} cannot be embedded`);
  return text;
}
