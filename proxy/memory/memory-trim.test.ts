import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log } from '../../base/log.ts';
import { MemoryTrim } from './memory-trim.ts';

const TIMES = { settleMs: 3_000, idleMs: 60_000 };

/** A trim whose system only notes what it is told; `look` is one look a second later. */
function bench(readMappings = () => '', failing = '') {
  const done: string[] = [];
  const lines: string[] = [];
  const given = { traffic: 0, nowMs: 0 };
  const parts = {
    log: new Log('test', 'debug', Date.now, (line) => void lines.push(line)),
    activity: () => given.traffic,
    collectInThreads: () => done.push('threads'),
    system: {
      readMappings,
      dropPages: () => done.push('pages') > 0,
      trimMalloc: () => done.push('malloc') > 0,
      allowCollections: (allowed: boolean) => void done.push(allowed ? 'allow' : 'forbid'),
      collectGarbage: () => {
        done.push('main');
        if (failing === 'main') throw new Error('no gc here');
      },
    },
  };
  const trim = new MemoryTrim(parts, 0, TIMES);
  const look = (seconds: number, requestsASecond = 0): string[] => {
    done.length = 0;
    for (let i = 0; i < seconds; i++) {
      given.traffic += requestsASecond;
      trim.look((given.nowMs += 1_000));
    }
    return [...done];
  };
  return { trim, look, lines };
}

/** One that may be dropped. */
const MAPPING = `10000-12000 r-xp 00000000 fe:00 7   /bin/a
Size:                  8 kB
Rss:                   8 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
Swap:                  0 kB
Locked:                0 kB
VmFlags: rd mr mw me
`;

const COLLECTED = ['allow', 'threads'];
const TRIMMED = ['main', 'malloc', 'forbid'];

test('MemoryTrim collects garbage when the proxy has settled, and trims a look later', () => {
  const { look, trim } = bench();
  assert.deepEqual(look(2), []);
  assert.deepEqual(look(1), COLLECTED);
  assert.equal(trim.figures.trims, 0);
  assert.deepEqual(look(1), TRIMMED);
  assert.equal(trim.figures.trims, 1);
});

test('MemoryTrim of a proxy that never has traffic trims once', () => {
  const { look, trim } = bench();
  look(4);
  assert.deepEqual(look(600), []);
  assert.equal(trim.figures.trims, 1);
});

test('MemoryTrim under traffic only drops pages: it collects no garbage and trims no malloc', () => {
  let reads = 0;
  const { look, trim } = bench(() => {
    reads++;
    return '';
  });
  assert.deepEqual(look(10, 1), []);
  assert.deepEqual([reads, trim.figures.trims], [1, 1]);
});

test('MemoryTrim leaves the rest for later when traffic begins after the threads collected', () => {
  const { look, trim } = bench();
  assert.deepEqual(look(3), COLLECTED);
  assert.deepEqual(look(1, 1), ['forbid']);
  assert.equal(trim.figures.trims, 1);
  assert.deepEqual(look(61), [...COLLECTED, ...TRIMMED]);
});

for (const failing of ['mappings', 'main']) {
  test(`MemoryTrim forbids collections again when a trim fails: ${failing}`, () => {
    const read = (): string => (failing === 'mappings' ? 'what?' : '');
    const { look, trim } = bench(read, failing);
    const done = look(10);
    assert.equal(done.at(-1), 'forbid');
    assert.equal(trim.figures.trims, 0);
  });
}

test('MemoryTrim trims again when traffic has ceased for a while, and not before', () => {
  const { look, trim } = bench();
  look(4);
  assert.deepEqual(look(30, 5), []);
  assert.deepEqual(look(59), []);
  assert.deepEqual(look(2), [...COLLECTED, ...TRIMMED]);
  assert.deepEqual(look(600), []);
  assert.equal(trim.figures.trims, 2);
});

test('MemoryTrim begins to wait anew with each request', () => {
  const { look } = bench();
  look(4);
  look(1, 1);
  assert.deepEqual(look(59), []);
  look(1, 1);
  assert.deepEqual(look(59), []);
  assert.deepEqual(look(2), [...COLLECTED, ...TRIMMED]);
});

test('MemoryTrim trims again after a start under traffic, though none came later', () => {
  const { look, trim } = bench();
  look(10, 1);
  assert.deepEqual(look(61), [...COLLECTED, ...TRIMMED]);
  assert.equal(trim.figures.trims, 2);
});

test('MemoryTrim says once why it cannot, and does nothing any more', () => {
  const { look, lines, trim } = bench(() => {
    throw new Error('no /proc here');
  });
  trim.start();
  look(4);
  look(5, 1);
  assert.deepEqual(look(120), []);
  assert.equal(lines.length, 1);
  assert.match(lines.join(''), /DEBUG.*gives no memory back.*no \/proc here/);
});

test('MemoryTrim drops pages last: to collect garbage needs code of the same files', () => {
  const { look } = bench(() => MAPPING);
  assert.deepEqual(look(4), [...COLLECTED, ...TRIMMED, 'pages']);
});
