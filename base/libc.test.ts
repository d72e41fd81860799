import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { dropPages, duplicateDescriptor, originalDestination, trimMalloc } from './libc.ts';

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

type Libc = Pick<typeof import('./libc.ts'), 'dropPages' | 'trimMalloc'>;

const skip = process.platform === 'linux' ? false : 'madvise of Linux';

describe('originalDestination', { skip: skip === false ? false : 'netfilter of Linux' }, () => {
  it('finds nothing of what is no connection', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'culvert-libc-'));
    const file = openSync(path.join(directory, 'file'), 'w');
    try {
      for (const family of [4, 6] as const) {
        assert.equal(originalDestination(file, family), undefined);
        assert.equal(originalDestination(-1, family), undefined);
      }
    } finally {
      closeSync(file);
      rmSync(directory, { recursive: true });
    }
  });
});

describe('dropPages and trimMalloc', { skip }, () => {
  it('say what became of it', () => {
    assert.equal(dropPages(1n, 4096n), false, 'no page begins there');
    assert.equal(typeof trimMalloc(), 'boolean');
  });

  it('work apart from each other: a C library without malloc_trim still drops pages', async (t) => {
    const emitWarning = t.mock.method(process, 'emitWarning', () => undefined);
    const ffi = process.getBuiltinModule('node:ffi');
    emitWarning.mock.restore();
    t.mock.method(process, 'getBuiltinModule', () => ({
      dlopen: (library: null, symbols: Parameters<typeof ffi.dlopen>[1]) => {
        if (symbols !== undefined && 'malloc_trim' in symbols) throw new Error('no malloc_trim');
        return ffi.dlopen(library, symbols);
      },
    }));
    const fresh = './libc.ts?without-malloc-trim';
    const libc = (await import(fresh)) as Libc;
    assert.equal(libc.trimMalloc(), false);
    assert.equal(libc.dropPages(1n, 4096n), false);
  });
});
