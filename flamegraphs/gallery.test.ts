import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { GALLERY, listOf, readGallery } from './gallery.ts';
import { isBusy } from './recording.ts';
import { nodesOf } from './call-tree.ts';

const BYTES_MAX = 400_000;
const pages = readGallery();

test('the gallery is listed as it is', () => {
  assert.ok(pages.length > 20);
  assert.equal(readFileSync(path.join(GALLERY, 'README.md'), 'utf8'), listOf(pages));
});

for (const { file, recording } of pages) {
  test(`${file} is small, shows work, and names no machine's paths`, () => {
    assert.ok(statSync(path.join(GALLERY, file)).size <= BYTES_MAX);
    assert.ok(recording.threads.some(isBusy));
    for (const { root } of recording.threads) {
      for (const { frame } of nodesOf(root)) assert.doesNotMatch(frame.file, /^\/|^file:|^[A-Z]:/);
    }
  });
}
