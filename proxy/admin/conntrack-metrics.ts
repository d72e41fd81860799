/**
 * The kernel's table of connections that it tracks, in the network that this process is in: every
 * redirected connection has an entry, and when the table is full new ones are dropped.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { MetricsPage } from '../../base/prometheus.ts';

/** How full the table is. */
export interface ConntrackFigures {
  readonly entries: number;
  readonly entriesMax: number;
}

const DIRECTORY = '/proc/sys/net/netfilter';

/** Undefined where nothing tracks connections. `directory` holds the kernel's settings. */
export function conntrackFigures(directory = DIRECTORY): ConntrackFigures | undefined {
  const entries = numberIn(path.join(directory, 'nf_conntrack_count'));
  const entriesMax = numberIn(path.join(directory, 'nf_conntrack_max'));
  return entries === undefined || entriesMax === undefined ? undefined : { entries, entriesMax };
}

function numberIn(file: string): number | undefined {
  try {
    const text = readFileSync(file, 'latin1').trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Adds both figures. */
export function addConntrack(page: MetricsPage, { entries, entriesMax }: ConntrackFigures): void {
  page.add('conntrack_entries', 'gauge', 'Connections that the kernel tracks.', {}, entries);
  page.add('conntrack_entries_max', 'gauge', 'It drops new ones beyond these.', {}, entriesMax);
}
