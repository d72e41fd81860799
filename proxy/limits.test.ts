import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, limitsProblem, takeShare } from './limits.ts';

test('limitsProblem names limits that contradict each other', () => {
  assert.equal(limitsProblem(limits), undefined);
  const target = limitsProblem({ ...limits, targetBytesMax: limits.headBytesMax });
  assert.match(target ?? '', /^--target-bytes-max 65536 must be below --head-bytes-max 65536$/);
  const window = { streamWindowBytes: 65_536, connectionWindowBytes: 131_071 };
  const small = limitsProblem({ ...limits, ...window });
  assert.match(small ?? '', /^--connection-window-bytes 131071 must be twice --stream-window/);
  assert.equal(limitsProblem({ ...limits, ...window, connectionWindowBytes: 131_072 }), undefined);
});

test('takeShare divides what is of the process among its threads, and leaves each some', (t) => {
  const before = limits.destinationsMax;
  t.after(() => (limits.destinationsMax = before));
  limits.destinationsMax = 10;
  takeShare(3);
  assert.equal(limits.destinationsMax, 3);
  takeShare(4);
  assert.equal(limits.destinationsMax, 1);
});
