import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MetricsPage } from '../../base/prometheus.ts';
import { readMetricsPage } from '../../test/support/metrics-page.ts';
import { addConntrack, conntrackFigures } from './conntrack-metrics.ts';

test('conntrackFigures reads both numbers, or tells nothing', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-conntrack-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string): void =>
    writeFileSync(path.join(directory, name), text);
  assert.equal(conntrackFigures(directory), undefined, 'nothing tracks connections');
  write('nf_conntrack_count', '17\n');
  assert.equal(conntrackFigures(directory), undefined, 'one number alone');
  write('nf_conntrack_max', '262144\n');
  assert.deepEqual(conntrackFigures(directory), { entries: 17, entriesMax: 262_144 });
  for (const text of ['', '-1\n', 'many\n']) {
    write('nf_conntrack_max', text);
    assert.equal(conntrackFigures(directory), undefined, text);
  }
});

test('addConntrack writes how full the table is', () => {
  const page = new MetricsPage();
  addConntrack(page, { entries: 17, entriesMax: 20 });
  const samples = readMetricsPage(page.toString()).flatMap((family) => [...family.samples]);
  assert.deepEqual(samples, [
    ['conntrack_entries', 17],
    ['conntrack_entries_max', 20],
  ]);
});
