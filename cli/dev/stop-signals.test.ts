import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StopSignals } from './stop-signals.ts';

test('StopSignals takes a Ctrl-C that arrives twice for one, and a later one for haste', () => {
  let nowMs = 1_000;
  const signals = new StopSignals(() => nowMs);
  assert.equal(signals.stop.aborted, false);
  signals.request();
  assert.equal(signals.stop.aborted, true);
  nowMs += 5;
  signals.request();
  assert.equal(signals.stopAtOnce.aborted, false);
  nowMs += 400;
  signals.request();
  assert.equal(signals.stopAtOnce.aborted, true);
});

test('StopSignals listens until it is told not to', () => {
  const before = process.listenerCount('SIGHUP');
  const signals = new StopSignals(() => 0);
  const end = signals.listen();
  process.emit('SIGHUP');
  assert.equal(signals.stop.aborted, true);
  end();
  assert.equal(process.listenerCount('SIGHUP'), before);
});
