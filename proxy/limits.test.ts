import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, limitsProblem } from './limits.ts';

test('limitsProblem names limits that contradict each other', () => {
  assert.equal(limitsProblem(limits), undefined);
  const target = limitsProblem({ ...limits, targetBytesMax: limits.headBytesMax });
  assert.match(target ?? '', /^--target-bytes-max 65536 must be below --head-bytes-max 65536$/);
  const window = { streamWindowBytes: 65_536, connectionWindowBytes: 131_071 };
  const small = limitsProblem({ ...limits, ...window });
  assert.match(small ?? '', /^--connection-window-bytes 131071 must be twice --stream-window/);
  assert.equal(limitsProblem({ ...limits, ...window, connectionWindowBytes: 131_072 }), undefined);
});
