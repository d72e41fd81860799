import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration, TIME_WINDOW, WATCH_INTERVAL } from './duration.ts';

test('time window takes seconds, minutes, hours and their sums', () => {
  const windows = { '10s': 10, '30s': 30, '1m': 60, '1m30s': 90, '60m': 3_600, '1h': 3_600 };
  for (const [text, seconds] of Object.entries(windows)) {
    assert.equal(parseDuration(text, TIME_WINDOW), seconds, text);
  }
});

test('time window refuses what is too short, too long or no window', () => {
  for (const text of ['9s', '1h1s', '61m', '', '60', 'm', '1d', '-1m', '1.5m', '1s1m', ' 1m']) {
    assert.equal(parseDuration(text, TIME_WINDOW), undefined, text);
  }
});

test('watch interval is a second to an hour', () => {
  assert.deepEqual(
    ['1s', '1h', '0s', '61m'].map((text) => parseDuration(text, WATCH_INTERVAL)),
    [1, 3_600, undefined, undefined],
  );
});

test('duration is written the shortest way', () => {
  assert.deepEqual([10, 60, 90, 300, 3_600].map(formatDuration), [
    '10s',
    '1m',
    '1m30s',
    '5m',
    '1h',
  ]);
});
