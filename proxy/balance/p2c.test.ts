import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from '../../base/rng.ts';
import { newEndpoints } from '../../test/support/endpoints.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { p2cPicker } from './p2c.ts';

const PICKS = 10_000;
const TEN = Array.from({ length: 10 }, (_, i) => String(i));

/** How often each endpoint is picked. */
function picks(ready: readonly Endpoint[], tried: readonly Endpoint[] = []): number[] {
  const picker = p2cPicker(ready, new Rng(1));
  const counts = ready.map(() => 0);
  for (let i = 0; i < PICKS; i++) {
    const picked = picker.pick(tried);
    assert.ok(picked !== undefined && !tried.includes(picked));
    counts[ready.indexOf(picked)]! += 1;
  }
  return counts;
}

test('p2c picks nothing of nothing, and the only endpoint however busy', () => {
  assert.equal(p2cPicker([], new Rng(1)).pick([]), undefined);
  const [only] = newEndpoints('a');
  assert.ok(only !== undefined);
  only.pending = 1_000;
  const picker = p2cPicker([only], new Rng(1));
  assert.equal(picker.pick([]), only);
  assert.equal(picker.pick([only]), undefined);
});

test('p2c spreads evenly over endpoints that are alike', () => {
  for (const ids of [['a', 'b'], ['a', 'b', 'c'], TEN]) {
    const share = PICKS / ids.length;
    for (const count of picks(newEndpoints(...ids))) {
      assert.ok(Math.abs(count - share) < share * 0.15, `${count} of ${share}`);
    }
  }
});

test('p2c of two always picks the one with fewer attempts under way', () => {
  const ready = newEndpoints('a', 'b');
  ready[0]!.pending = 1;
  assert.deepEqual(picks(ready), [0, PICKS]);
  ready[1]!.pending = 2;
  assert.deepEqual(picks(ready), [PICKS, 0]);
});

test('p2c never picks the busiest of several, and favours the idlest', () => {
  const ready = newEndpoints('a', 'b', 'c', 'd');
  for (const [i, endpoint] of ready.entries()) endpoint.pending = i;
  const [idlest = 0, second = 0, third = 0, busiest = 0] = picks(ready);
  assert.ok(idlest > second && second > third, String([idlest, second, third]));
  assert.equal(busiest, 0);
});

test('p2c keeps pending attempts level as they come', () => {
  const ready = newEndpoints(...TEN);
  const picker = p2cPicker(ready, new Rng(3));
  for (let i = 0; i < 1_000; i++) picker.pick([])!.pending++;
  for (const { pending } of ready) assert.ok(pending >= 95 && pending <= 105, String(pending));
});

test('p2c never picks what was tried, until nothing is left', () => {
  const ready = newEndpoints('a', 'b', 'c', 'd');
  const [a, b, c] = ready;
  assert.equal(picks(ready, [b!])[1], 0);
  assert.deepEqual(picks(ready, [a!, b!, c!]), [0, 0, 0, PICKS]);
  assert.equal(p2cPicker(ready, new Rng(1)).pick(ready), undefined);
});

test('p2c picks the same again from the same seed', () => {
  const ready = newEndpoints('a', 'b', 'c', 'd');
  const sequence = (): (string | undefined)[] => {
    const picker = p2cPicker(ready, new Rng(9));
    return Array.from({ length: 50 }, () => picker.pick([])?.id);
  };
  assert.deepEqual(sequence(), sequence());
});
