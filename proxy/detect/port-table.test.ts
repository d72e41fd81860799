import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortTable, everyPort } from './port-table.ts';

test('PortTable answers with the first declaration that has the port', () => {
  const table = new PortTable([
    { first: 80, last: 80, protocol: undefined },
    { first: 80, last: 90, protocol: 'opaque' },
    { first: 90, last: 91, protocol: 'http2' },
  ]);
  const asked = [79, 80, 81, 90, 91, 92];
  const answers = [undefined, undefined, 'opaque', 'opaque', 'http2', undefined];
  assert.deepEqual(
    asked.map((port) => table.declared(port)),
    answers,
  );
});

test('PortTable forgets what it is given no more', () => {
  const table = new PortTable([{ first: 1, last: 65_535, protocol: 'opaque' }]);
  table.replace([{ first: 25, last: 25, protocol: 'http1' }]);
  assert.deepEqual([table.declared(24), table.declared(25)], [undefined, 'http1']);
});

test('everyPort answers the same for the first port and the last', () => {
  const ports = everyPort('opaque');
  assert.deepEqual([ports.declared(1), ports.declared(65_535)], ['opaque', 'opaque']);
});
