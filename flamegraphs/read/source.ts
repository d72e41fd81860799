/** A recording from where the command line says: a file, a URL of a profile, a live sidecar. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSocketAddress } from '../../base/settings.ts';
import { type Wish, readUrl, recordSidecars } from '../record/sidecar.ts';
import type { Recording } from '../recording.ts';
import { parseRecording } from './parse.ts';

const READ_MS = 90_000;

/**
 * Reads `source`. A URL without a path is the admin port of a sidecar, of which every thread is
 * recorded as `wish` says; any other URL must answer with a profile. Rejects with a sentence.
 */
export async function readSource(source: string, wish: Wish): Promise<Recording> {
  if (!/^https?:\/\//.test(source)) return parseRecording(textOf(source), path.basename(source));
  const url = new URL(source);
  if (url.pathname !== '/') {
    return parseRecording(await readUrl(source, READ_MS), path.posix.basename(url.pathname));
  }
  const admin = parseSocketAddress(url.port === '' ? `${url.host}:80` : url.host);
  if (admin === undefined) throw new Error(`${source} names no host and port`);
  const threads = await recordSidecars([admin], wish);
  return {
    title: `live sidecar: ${wish.kind}`,
    kind: wish.kind,
    facts: [['recorded', `${wish.seconds} s`]],
    requests: undefined,
    per: 'recording',
    seconds: wish.seconds,
    compared: false,
    threads,
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read`, { cause: error });
  }
}
