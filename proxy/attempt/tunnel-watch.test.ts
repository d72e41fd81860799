import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { withLimits } from '../../test/support/http2-sessions.ts';
import { MemoryClock } from '../transport/memory-clock.ts';
import { TunnelWatch } from './tunnel-watch.ts';

/** Two ticks of the wheel. */
const LATE_MS = 200;
const nothing = (): void => undefined;

function watched(t: TestContext, tunnelIdleMs: number) {
  withLimits(t, {}, { tunnelIdleMs, halfCloseMs: 1_000 });
  const clock = new MemoryClock();
  const stalls: number[] = [];
  const watch = new TunnelWatch(clock.wheel, (ms) => void stalls.push(ms));
  return { clock, stalls, watch };
}

test('TunnelWatch lets an open tunnel be silent for ever', (t) => {
  const { clock, stalls } = watched(t, 0);
  clock.advance(10_000_000, nothing);
  assert.deepEqual(stalls, []);
});

test('TunnelWatch ends a tunnel in which nothing moves for as long as may be', (t) => {
  const { clock, stalls, watch } = watched(t, 5_000);
  for (let i = 0; i < 10; i++) {
    watch.moved = true;
    clock.advance(5_000 - LATE_MS, nothing);
  }
  assert.deepEqual(stalls, []);
  clock.advance(10_000 + 2 * LATE_MS, nothing);
  assert.deepEqual(stalls, [5_000]);
});

test('TunnelWatch ends a half-closed tunnel in which nothing moves', (t) => {
  const { clock, stalls, watch } = watched(t, 0);
  watch.halfClosed();
  clock.advance(500, nothing);
  watch.moved = true;
  clock.advance(500 + LATE_MS, nothing);
  assert.deepEqual(stalls, [], 'something moved');
  clock.advance(1_000 + LATE_MS, nothing);
  assert.deepEqual(stalls, [1_000]);
});

test('TunnelWatch that has ended tells nothing', (t) => {
  const { clock, stalls, watch } = watched(t, 1_000);
  watch.halfClosed();
  watch.end();
  clock.advance(100_000, nothing);
  assert.deepEqual(stalls, []);
});
