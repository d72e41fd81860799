import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { duplicateDescriptor } from './libc.ts';

describe('duplicateDescriptor', () => {
  it('gives another descriptor of the same file, which outlives the first', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'culvert-libc-'));
    try {
      const first = openSync(path.join(directory, 'file'), 'w');
      const copy = duplicateDescriptor(first);
      const { ino } = fstatSync(first);
      closeSync(first);
      assert.notEqual(copy, first);
      assert.equal(fstatSync(copy).ino, ino);
      writeSync(copy, 'x');
      closeSync(copy);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('throws for a descriptor that is not open', () => {
    assert.throws(() => duplicateDescriptor(1_000_000), /descriptor 1000000 cannot be copied/);
  });
});
