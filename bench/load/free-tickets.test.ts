import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreeTickets } from './free-tickets.ts';

test('FreeTickets gives the longest free ticket first', () => {
  const free = new FreeTickets(3);
  for (const ticket of [0, 1, 2]) free.push(ticket);
  assert.equal(free.shift(), 0);
  assert.equal(free.shift(), 1);
  free.push(1);
  free.push(0);
  assert.deepEqual([free.shift(), free.shift(), free.shift(), free.shift()], [2, 1, 0, -1]);
  assert.equal(free.length, 0);
});

test('FreeTickets refuses a ticket that is free already', () => {
  const free = new FreeTickets(1);
  free.push(0);
  assert.throws(() => free.push(0), /free twice/);
});
