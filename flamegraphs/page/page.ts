/**
 * A recording as one HTML file that loads nothing: the flame graph, to zoom and to search, and its
 * tables, which read without JavaScript. The recording is in it and can be read back.
 */
import { readFileSync } from 'node:fs';
import { element, escapeText } from '../../bench/report/plot/svg.ts';
import { prune } from '../prune.ts';
import { pack } from '../read/packed.ts';
import { type Recording, unitOf } from '../recording.ts';
import { STAGES } from '../stages.ts';
import { RECORDING_ID, embedJson } from './embedded.ts';
import { libraryScript } from './library.ts';
import { PAGE_STYLE } from './style.ts';
import { factsOf, tablesOf } from './tables.ts';

const CLIENT = new URL('client.mjs', import.meta.url);

const READING = {
  cpu: 'Width is CPU time: below each function are those that it called, and what stands free below it is its own. Order from left to right means nothing.',
  allocations:
    'Width is bytes allocated, also those that were garbage at once: below each function are those that it called. Order from left to right means nothing.',
  compared:
    'Red grew, blue shrank, grey stayed. Width is the larger of before and now, so that what is gone can be seen too.',
} as const;

/**
 * The whole file; the graph, and what can be read back, without what holds less than `share` of its
 * thread. The tables are of all.
 */
export function renderPage(recording: Recording, share: number): string {
  const { compared, facts, kind, title } = recording;
  const head = element(
    'head',
    {},
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    element('title', {}, escapeText(title)),
    element('style', {}, PAGE_STYLE),
  );
  const body = element(
    'body',
    {},
    element(
      'header',
      {},
      element('h1', {}, escapeText(title)),
      element('p', {}, READING[kind]),
      compared ? element('p', {}, READING.compared) : '',
    ),
    CONTROLS,
    element('ul', { id: 'legend' }),
    element('div', { id: 'chart' }),
    element('p', { id: 'details' }, ''),
    tablesOf(recording),
    element('h2', {}, 'Conditions'),
    factsOf(facts),
    embedJson(RECORDING_ID, pack(prune(recording, share))),
    embedJson('display', { stages: STAGES, unit: unitOf(recording) }),
    LICENCES,
    `<script>${libraryScript()}</script>`,
    `<script type="module">${readFileSync(CLIENT, 'utf8')}</script>`,
  );
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body)}\n`;
}

/** Without JavaScript they would do nothing: the client shows them. */
const CONTROLS = `<div class="controls" hidden>
<label>Threads <select id="threads"></select></label>
<label>View <select id="view"><option value="callees">what calls what</option><option value="callers">who is called by whom</option></select></label>
<label><input type="checkbox" id="idle"> idle</label>
<input type="search" id="search" placeholder="Search: name or file" aria-label="Search">
<button type="button" id="reset">Reset zoom</button>
<span id="found"></span>
</div>`;

const LICENCES =
  '<!-- This page carries d3-flame-graph (Apache-2.0, Martin Spier) and parts of D3 (ISC, Mike Bostock). -->';
