import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Log } from './log.ts';
import type { LogLevel } from './log.ts';

interface Recorded {
  readonly log: Log;
  readonly lines: string[];
  readonly clock: { nowMs: number };
}

function record(level: LogLevel): Recorded {
  const lines: string[] = [];
  const clock = { nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
  const write = (line: string): void => void lines.push(line);
  return { log: new Log('proxy', level, () => clock.nowMs, write), lines, clock };
}

test('Log writes time, level, name, sentence and fields on one line', () => {
  const { log, lines } = record('debug');
  log.info('listens', { address: '127.0.0.1:4143', why: 'as told', left: undefined, on: true });
  assert.deepEqual(lines, [
    '2026-01-02T03:04:05.678Z INFO proxy: listens address=127.0.0.1:4143 why="as told" on=true\n',
  ]);
});

test('Log writes nothing below its level, which can change', () => {
  const { log, lines } = record('warn');
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  log.setLevel('info');
  log.info('e');
  assert.deepEqual(
    lines.map((line) => line.trimEnd().slice(-1)),
    ['c', 'd', 'e'],
  );
});

test('Log lets no sentence or value break the line or steer a terminal', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (sentence, value) => {
      const { log, lines } = record('info');
      log.warn(`${sentence}\r\n\u001B[2J`, { value: `${value}\n\u001B` });
      assert.equal(lines.length, 1);
      assert.doesNotMatch(lines[0]?.slice(0, -1) ?? '\n', /\p{Cc}/u);
    }),
  );
});

test('Log.warnRepeated writes a key once a second and then says how many were left out', () => {
  const { log, lines, clock } = record('info');
  for (let i = 0; i < 5; i++) log.warnRepeated('dial', 'cannot dial');
  log.warnRepeated('other', 'another key');
  clock.nowMs += 999;
  log.warnRepeated('dial', 'cannot dial');
  assert.equal(lines.length, 2);
  clock.nowMs += 1;
  log.warnRepeated('dial', 'cannot dial');
  clock.nowMs += 1_000;
  log.warnRepeated('dial', 'cannot dial');
  assert.match(lines[2] ?? '', /cannot dial repeated=5\n$/);
  assert.match(lines[3] ?? '', /cannot dial\n$/);
});

test('Log.warnRepeated remembers a bounded number of keys', () => {
  const { log, lines } = record('info');
  for (let i = 0; i < 300; i++) log.warnRepeated(`key-${i}`, 'x');
  log.warnRepeated('key-0', 'x');
  assert.equal(lines.length, 301);
});
