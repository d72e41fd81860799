/** Where a recording ends up: a page, JSON or folded stacks; and its tables on the terminal. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fold } from './fold.ts';
import { renderPage } from './page/page.ts';
import { pack } from './read/packed.ts';
import type { Recording, RecordingKind } from './recording.ts';
import type { FlamegraphSettings } from './settings.ts';
import { renderText } from './text.ts';

const FOLDER = 'flamegraphs/recorded';
/** A fifth of a pixel of a wide window. */
const SHARE_MIN = 0.000_1;

/** Writes what `settings` say; a page is named after `slug` unless they name a file. */
export function writeRecording(
  recording: Recording,
  { file, output }: Pick<FlamegraphSettings, 'file' | 'output'>,
  slug: string,
): void {
  if (output === 'page') {
    const page = file === '' ? path.join(FOLDER, `${slug}.html`) : file;
    save(page, renderPage(recording, SHARE_MIN));
    process.stdout.write(`${renderText(recording)}\npage: ${page}\n`);
    return;
  }
  const text = output === 'json' ? `${JSON.stringify(pack(recording))}\n` : fold(recording);
  if (file === '') process.stdout.write(text);
  else save(file, text);
}

/** "http1-keepalive/inbound" as the name of a file; what allocates ends with ".alloc". */
export const slugOf = (name: string, kind: RecordingKind): string => {
  const slug = name.replaceAll(/[^\w.]+/g, '-').replace(/-+$/, '');
  return kind === 'cpu' ? slug : `${slug}.alloc`;
};

/** Writes a file, and the folders that it needs. */
export function save(file: string, text: string): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  writeFileSync(file, text);
}
