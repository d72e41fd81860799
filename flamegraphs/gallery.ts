/** The pages that are kept: one a scenario, small, and a list of them with their numbers. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Scenario } from '../bench/scenarios/scenario.ts';
import { renderPage } from './page/page.ts';
import { parseRecording } from './read/parse.ts';
import { type ScenarioWish, recordScenario } from './record/scenario.ts';
import { DISTURBED, type Recording } from './recording.ts';
import { summarize } from './summary.ts';
import { amount } from './text.ts';
import { save, slugOf } from './write.ts';

/** Kept in the repository. */
export const GALLERY = path.join(import.meta.dirname, 'gallery');
const SHARE_MIN = 0.001;
const STAGES_SHOWN = 4;

const HEAD = `# Gallery

Written by \`npm run flamegraph -- gallery\`, and with \`--alloc\`: open a page in a browser. How to read
one is in [the README above](../README.md). Stages are shares of what is not idle, of all threads of all
sidecars; a frame below a thousandth of its thread is not in a page. What something else on the machine
disturbed says so: trust its shape more than its numbers.
`;

/** Records every one of `scenarios`, then lists all pages there are; says what it leaves out, and why. */
export async function makeGallery(
  scenarios: readonly Scenario[],
  wish: ScenarioWish,
  say: (what: string) => void,
): Promise<void> {
  const failed: string[] = [];
  for (const [i, scenario] of scenarios.entries()) {
    say(`${i + 1} of ${scenarios.length}: ${scenario.name}`);
    try {
      const recording = await recordScenario(scenario, wish, say);
      const file = path.join(GALLERY, `${slugOf(scenario.name, wish.kind)}.html`);
      save(file, renderPage(recording, SHARE_MIN));
    } catch (error) {
      failed.push(`${scenario.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  save(path.join(GALLERY, 'README.md'), listOf(readGallery()));
  if (failed.length > 0) throw new Error(`left out:\n${failed.join('\n')}`);
}

/** A page that is kept. */
export interface GalleryPage {
  readonly file: string;
  readonly recording: Recording;
}

/** Every page, in the order of their names. */
export function readGallery(): readonly GalleryPage[] {
  return readdirSync(GALLERY)
    .filter((file) => file.endsWith('.html'))
    .toSorted()
    .map((file) => ({
      file,
      recording: parseRecording(readFileSync(path.join(GALLERY, file), 'utf8'), file),
    }));
}

/** Markdown: a row a page. */
export function listOf(pages: readonly GalleryPage[]): string {
  const rows = pages.map(({ file, recording }) => {
    const { busy, stages, unit } = summarize(recording);
    const largest = stages
      .filter(({ of }) => of !== 'idle')
      .toSorted((one, other) => other.now - one.now)
      .slice(0, STAGES_SHOWN)
      .map(({ now, of }) => `${of} ${((now / busy.now) * 100).toFixed(0)} %`);
    const disturbed = recording.facts.some(([fact]) => fact === DISTURBED);
    const name = `${recording.title}${disturbed ? ', disturbed' : ''}`;
    return `| [${name}](${file}) | ${amount(busy.now)} ${unit.label} | ${largest.join(', ')} |`;
  });
  return `${HEAD}\n| page | in all | largest stages |\n|---|---|---|\n${rows.join('\n')}\n`;
}
