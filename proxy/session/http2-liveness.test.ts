import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimerWheel } from '../../base/timer-wheel.ts';
import { timeouts } from '../limits.ts';
import { Http2Liveness } from './http2-liveness.ts';

const TICK_MS = 100;

/** A connection that waits, and a thread whose timers run when the test says so. */
function bench() {
  let nowMs = 0;
  const calls: string[] = [];
  const wheel = new TimerWheel(TICK_MS, () => nowMs);
  const liveness = new Http2Liveness(wheel, {
    waiting: true,
    ping: () => calls.push('ping'),
    dead: () => calls.push('dead'),
  });
  const stall = (ms: number): void => {
    nowMs += ms;
    wheel.advance();
  };
  liveness.watch();
  return { liveness, calls, stall, wheel };
}

test('Http2Liveness hears what came while its thread stood still', () => {
  const { liveness, calls, stall, wheel } = bench();
  stall(timeouts.pingAfterMs + TICK_MS);
  assert.deepEqual(calls, ['ping']);
  // Timers run before sockets are read: the answer may be there already.
  stall(timeouts.pingTimeoutMs + 60_000);
  assert.deepEqual(calls, ['ping']);
  liveness.heard();
  stall(2 * TICK_MS);
  assert.deepEqual(calls, ['ping']);
  wheel.stop();
});

test('Http2Liveness gives up who says nothing in the time that it has, nor when it is over', () => {
  const { calls, stall, wheel } = bench();
  stall(timeouts.pingAfterMs + TICK_MS);
  stall(timeouts.pingTimeoutMs + 60_000);
  stall(2 * TICK_MS);
  assert.deepEqual(calls, ['ping', 'dead']);
  wheel.stop();
});
