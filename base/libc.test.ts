import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import {
  dropPages,
  duplicateDescriptor,
  originalDestination,
  setListenerOptions,
  trimMalloc,
  whyNotWritten,
  writeDescriptor,
} from './libc.ts';

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

describe('writeDescriptor', () => {
  it('writes the beginning of a buffer, as it is at the time', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'culvert-libc-'));
    const file = path.join(directory, 'file');
    const descriptor = openSync(file, 'w');
    try {
      const bytes = Buffer.allocUnsafeSlow(4096);
      for (const text of ['abc', 'defg']) {
        bytes.write(text, 'latin1');
        assert.equal(writeDescriptor(descriptor, bytes, text.length), text.length);
      }
      assert.equal(readFileSync(file, 'utf8'), 'abcdefg');
    } finally {
      closeSync(descriptor);
      rmSync(directory, { recursive: true });
    }
  });

  it('says why it did not', { skip: process.platform !== 'linux' && 'asks Linux' }, () => {
    assert.equal(writeDescriptor(1_000_000, Buffer.allocUnsafeSlow(4096), 1), -1);
    assert.equal(whyNotWritten(), -constants.errno.EBADF);
  });
});

describe('setListenerOptions', { skip: process.platform !== 'linux' && 'options of Linux' }, () => {
  it('sets what the connections of a listener begin with', async () => {
    const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
    const { port } = bound.address();
    assert.equal(setListenerOptions(bound.fd(), 30, 2, 7), true);
    const server = net.createServer().listen(bound);
    const client = net.connect(port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [net.Socket];
    try {
      const options = [
        [6, 1], // TCP_NODELAY
        [1, 9], // SO_KEEPALIVE
        [6, 4], // TCP_KEEPIDLE
        [6, 5], // TCP_KEEPINTVL
        [6, 6], // TCP_KEEPCNT
      ] as const;
      const found = options.map(([level, name]) => optionOf(accepted, level, name));
      assert.deepEqual(found, [1, 1, 30, 2, 7]);
    } finally {
      accepted.destroy();
      client.destroy();
      server.close();
    }
  });

  it('says no of what is no socket', () => {
    assert.equal(setListenerOptions(1_000_000, 30, 1, 10), false);
  });
});

/** getsockopt(2), of a socket of Node. */
function optionOf(socket: net.Socket, level: number, name: number): number {
  const { functions } = process.getBuiltinModule('node:ffi').dlopen(null, {
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
  });
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const value = Buffer.alloc(4);
  const length = Buffer.from([value.length, 0, 0, 0]);
  assert.equal(functions.getsockopt(fd, level, name, value, length), 0);
  return value.readInt32LE();
}

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
