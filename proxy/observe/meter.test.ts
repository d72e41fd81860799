import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outboundLabels } from '../../test/support/observed.ts';
import { limits, timeouts } from '../limits.ts';
import type { SeriesLabels } from '../model/series-labels.ts';
import { OTHER_LABELS } from './classify.ts';
import { Meter, type MeterGroup, isPlain } from './meter.ts';
import { Series } from './series.ts';

/** Makes a series with so many requests, as thread `thread` would. */
function add(meter: Meter, thread: number, id: number, labels: SeriesLabels, requests = 1): Series {
  const series = new Series();
  for (let i = 0; i < requests; i++) series.addRequest();
  meter.add(thread, { id, labels, shared: series.shared });
  return series;
}

const requestsOf = ({ parts }: MeterGroup): number =>
  parts.reduce((sum, part) => sum + part.requests, 0);

/** Requests by route of the groups that have labels. */
const labelled = (meter: Meter): Record<string, number> =>
  Object.fromEntries(
    meter
      .groups()
      .filter(({ labels }) => !isPlain(labels))
      .map((group) => [group.labels.route, requestsOf(group)]),
  );

const a = outboundLabels({ route: 'a' });
const b = outboundLabels({ route: 'b' });

test('Meter has the plain series of both directions from the start', () => {
  const groups = new Meter().groups();
  assert.deepEqual(
    groups.map(({ labels, parts }) => [labels.direction, isPlain(labels), parts.length]),
    [
      ['inbound', true, 0],
      ['outbound', true, 0],
    ],
  );
});

test('Meter adds up series of equal labels from several threads', () => {
  const meter = new Meter();
  add(meter, 0, 1, a, 2);
  add(meter, 1, 1, { ...a }, 3);
  add(meter, 1, 2, b, 4);
  assert.deepEqual(labelled(meter), { a: 5, b: 4 });
});

test('Meter reads what a thread counts after it announced the series', () => {
  const meter = new Meter();
  const series = add(meter, 0, 1, a, 0);
  series.addRequest();
  assert.deepEqual(labelled(meter), { a: 1 });
});

test('Meter keeps the counts of a thread that died, and adds those of the next', () => {
  const meter = new Meter();
  add(meter, 0, 1, a, 2);
  const plain = meter.groups()[0]!;
  add(meter, 0, 2, plain.labels, 7);
  const ids = meter.groups().map(({ id }) => id);
  meter.retire(0, 0);
  assert.deepEqual(labelled(meter), { a: 2 });
  add(meter, 1, 1, a, 3);
  meter.retire(1, 0);
  add(meter, 2, 9, a, 4);
  assert.deepEqual(labelled(meter), { a: 9 });
  assert.equal(requestsOf(meter.groups()[0]!), 7);
  assert.deepEqual(
    meter.groups().map(({ id }) => id),
    ids,
  );
});

test('Meter keeps threads apart whose numbers begin alike', () => {
  const meter = new Meter();
  add(meter, 1, 1, a, 2);
  const of11 = add(meter, 11, 1, a, 3);
  meter.retire(1, 0);
  of11.addRequest();
  assert.deepEqual(labelled(meter), { a: 6 });
});

test('Meter forgets a series that was removed, unless another thread counts it', () => {
  const meter = new Meter();
  add(meter, 0, 1, a);
  add(meter, 1, 1, a);
  add(meter, 0, 2, b);
  meter.remove(0, [1, 2]);
  assert.deepEqual(labelled(meter), { a: 2 }, 'while a group lives, no count of it shrinks');
  meter.remove(1, [1, 99]);
  assert.deepEqual(labelled(meter), {});
});

test('Meter gives labels that come back a new id', () => {
  const meter = new Meter();
  add(meter, 0, 1, a);
  const before = meter.groups().at(-1)?.id;
  meter.remove(0, [1]);
  add(meter, 0, 2, a);
  assert.notEqual(meter.groups().at(-1)?.id, before);
});

test('Meter forgets with a series what dead threads counted in it', () => {
  const meter = new Meter();
  add(meter, 0, 1, a, 5);
  meter.retire(0, 0);
  add(meter, 1, 1, a, 1);
  meter.remove(1, [1]);
  assert.deepEqual(labelled(meter), {});
});

const route = (n: number): SeriesLabels => outboundLabels({ route: `GET /${n}` });

test('Meter bounds the series of all threads together, and loses no count', () => {
  const meter = new Meter();
  for (let n = 0; n < limits.seriesMax; n++) add(meter, n % 2, n, route(n));
  assert.deepEqual([meter.groups().length, meter.limited], [limits.seriesMax + 2, 0]);
  const more = [1, 2, 3].map((n) => add(meter, 0, limits.seriesMax + n, route(-n)));
  add(meter, 1, limits.seriesMax, route(0));
  const groups = meter.groups();
  assert.deepEqual([groups.length, meter.limited], [limits.seriesMax + 3, 3]);
  assert.equal(requestsOf(groups.at(-1)!), 3);
  assert.deepEqual(groups.at(-1)!.labels, { ...route(0), ...OTHER_LABELS });
  assert.equal(labelled(meter)['GET /0'], 2, 'labels that are known stay themselves');
  more[0]!.addRequest();
  meter.remove(0, [limits.seriesMax + 1]);
  meter.retire(0, 0);
  assert.equal(requestsOf(meter.groups().at(-1)!), 4);
});

test('Meter never forgets the plain series', () => {
  const meter = new Meter();
  const { labels } = meter.groups()[0]!;
  add(meter, 0, 1, labels, 3);
  meter.retire(0, 0);
  add(meter, 1, 1, labels, 4);
  meter.remove(1, [1]);
  assert.equal(meter.groups().length, 2);
  assert.equal(requestsOf(meter.groups()[0]!), 7, 'nor what it has counted');
});

test('Meter.sweep forgets what only dead threads counted, and not before its time', () => {
  const meter = new Meter();
  const plain = meter.groups()[0]!.labels;
  add(meter, 0, 1, a);
  add(meter, 0, 2, b);
  add(meter, 0, 3, plain, 4);
  meter.retire(0, 1_000);
  add(meter, 1, 1, b);
  meter.sweep(1_000 + timeouts.seriesIdleMs);
  assert.deepEqual(labelled(meter), { a: 1, b: 2 });
  meter.sweep(1_001 + timeouts.seriesIdleMs);
  assert.deepEqual(labelled(meter), { b: 2 }, 'a live thread counts b');
  assert.equal(requestsOf(meter.groups()[0]!), 4, 'the plain series stays');
  meter.retire(1, 5_000_000);
  meter.sweep(5_000_000 + timeouts.seriesIdleMs);
  assert.deepEqual(labelled(meter), { b: 2 }, 'the last death counts');
  meter.sweep(5_000_001 + timeouts.seriesIdleMs);
  assert.deepEqual(labelled(meter), {});
});
