import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target } from '../model/destination.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';
import { Subscriptions } from './subscriptions.ts';

const target: Target = { originalDst: undefined, authority: 'web', port: 80 };
const KEY = 'web:80';

const version = (counter: number): ResourceVersion => ({ epoch: 1, counter });
const resource: Resource = { kind: 'no-such-service', reason: 'no' };

const take = (list: string[]): string[] => list.splice(0).map((one) => one.trim());

/** What threads and the controller were told: "thread:counter", "ack counter", "nack counter why". */
function bench() {
  const told: string[] = [];
  const judged: string[] = [];
  let nowMs = 1_000;
  const subscriptions = new Subscriptions(
    (thread, key, { counter }) => void told.push(`${key === KEY ? '' : key} ${thread}:${counter}`),
    (key, { counter }, error) => {
      const answer = error === undefined ? `ack ${counter}` : `nack ${counter} ${error}`;
      judged.push(key === KEY ? answer : `${key} ${answer}`);
    },
    () => nowMs,
  );
  return {
    subscriptions,
    pass: (ms: number) => (nowMs += ms),
    told: () => take(told),
    judged: () => take(judged),
    add: (thread: number, key = KEY) => subscriptions.add(thread, key, target),
    update: (counter: number, key = KEY) => subscriptions.update(key, version(counter), resource),
    applied: (thread: number, counter: number, error?: string, key = KEY) =>
      subscriptions.applied(thread, key, version(counter), error),
  };
}

test('Subscriptions asks the controller once for what several threads want', () => {
  const { add, subscriptions } = bench();
  assert.deepEqual([add(0), add(1), add(0)], [true, false, false]);
  assert.deepEqual([...subscriptions.targets()], [[KEY, target]]);
});

test('Subscriptions tells a version to every thread that asked, and to no other', () => {
  const { add, told, update } = bench();
  add(0);
  add(2);
  add(1, 'other:80');
  update(1);
  assert.deepEqual(told(), ['0:1', '2:1']);
});

test('Subscriptions acknowledges a version once all threads have applied it', () => {
  const { add, applied, judged, update } = bench();
  for (const thread of [0, 1, 2]) add(thread);
  update(1);
  applied(1, 1);
  applied(0, 1);
  assert.deepEqual(judged(), []);
  applied(2, 1);
  assert.deepEqual(judged(), ['ack 1']);
});

test('Subscriptions refuses a version when the first thread does, and only once', () => {
  const { add, applied, judged, update } = bench();
  for (const thread of [0, 1, 2]) add(thread);
  update(1);
  applied(0, 1);
  applied(1, 1, 'it is bad');
  assert.deepEqual(judged(), ['nack 1 it is bad']);
  applied(2, 1, 'it is bad');
  assert.deepEqual(judged(), []);
});

test('Subscriptions takes a version that one thread refuses for good in none', () => {
  const { add, applied, judged, told, update } = bench();
  for (const thread of [0, 1]) add(thread);
  update(1);
  for (const thread of [0, 1]) applied(thread, 1);
  update(2);
  applied(0, 2, 'it is bad');
  applied(1, 2);
  update(3);
  for (const thread of [0, 1]) applied(thread, 3, 'it is bad');
  assert.deepEqual(judged(), ['ack 1', 'nack 2 it is bad', 'nack 3 it is bad']);
  told();
  add(2);
  assert.deepEqual(told(), ['2:1', '2:3']);
});

test('Subscriptions tells the second thread what is held at once, with no second answer', () => {
  const { add, applied, judged, told, update } = bench();
  add(0);
  update(1);
  applied(0, 1);
  update(2);
  applied(0, 2, 'it is bad');
  assert.deepEqual(
    [told(), judged()],
    [
      ['0:1', '0:2'],
      ['ack 1', 'nack 2 it is bad'],
    ],
  );
  add(1);
  assert.deepEqual(told(), ['1:1', '1:2'], 'the good one, then the last');
  applied(1, 1);
  applied(1, 2, 'it is bad');
  assert.deepEqual(judged(), []);
});

test('Subscriptions waits for a thread that joins while others have not answered', () => {
  const { add, applied, judged, told, update } = bench();
  add(0);
  update(1);
  add(1);
  assert.deepEqual(told(), ['0:1', '1:1']);
  applied(0, 1);
  assert.deepEqual(judged(), []);
  applied(1, 1);
  assert.deepEqual(judged(), ['ack 1']);
});

test('Subscriptions does not take an answer to an older version for one to the last', () => {
  const { add, applied, judged, told, update } = bench();
  add(0);
  update(1);
  applied(0, 1);
  update(2);
  add(1);
  told();
  judged();
  applied(1, 1);
  applied(0, 2);
  assert.deepEqual(judged(), [], 'thread 1 has not answered the second');
  applied(1, 2);
  assert.deepEqual(judged(), ['ack 2']);
});

test('Subscriptions tells a thread that joins every version that may yet be the last good one', () => {
  const { add, applied, judged, told, update } = bench();
  add(0);
  update(1);
  update(2);
  told();
  add(1);
  assert.deepEqual(told(), ['1:1', '1:2']);
  for (const thread of [0, 1]) applied(thread, 1);
  for (const thread of [0, 1]) applied(thread, 2, 'it is bad');
  assert.deepEqual(judged(), ['ack 1', 'nack 2 it is bad']);
});

test('Subscriptions judges no version that its threads passed over', () => {
  const { add, applied, judged, update } = bench();
  add(0);
  update(1);
  update(2);
  applied(0, 2);
  assert.deepEqual(judged(), ['ack 2']);
  applied(0, 1);
  assert.deepEqual(judged(), []);
});

test('Subscriptions takes an answer of a thread that has asked for nothing for none', () => {
  const { add, applied, judged, update } = bench();
  add(0);
  update(1);
  applied(1, 1);
  applied(0, 9);
  applied(0, 1, undefined, 'other:80');
  assert.deepEqual(judged(), []);
});

test('Subscriptions drops a destination when the last thread has', () => {
  const { add, subscriptions, told, update } = bench();
  add(0);
  add(1);
  assert.equal(subscriptions.remove(0, KEY), false);
  assert.equal(subscriptions.remove(0, KEY), false, 'twice');
  update(1);
  assert.deepEqual(told(), ['1:1']);
  assert.equal(subscriptions.remove(1, KEY), true);
  update(2);
  assert.deepEqual([told(), [...subscriptions.targets()]], [[], []]);
  assert.equal(add(0), true, 'asked anew');
});

for (const [how, leave] of [
  ['drops it', (subscriptions: Subscriptions) => void subscriptions.remove(1, KEY)],
  ['dies', (subscriptions: Subscriptions) => subscriptions.threadDied(1)],
] as const) {
  test(`Subscriptions expects no answer of a thread that ${how}`, () => {
    const { add, applied, judged, subscriptions, update } = bench();
    add(0);
    add(1);
    update(1);
    applied(0, 1);
    assert.deepEqual(judged(), []);
    leave(subscriptions);
    assert.deepEqual(judged(), ['ack 1']);
  });
}

test('Subscriptions keeps what only a dead thread had for its next life, and tells it once it asks', () => {
  const { add, applied, judged, subscriptions, told, update } = bench();
  add(0);
  update(1);
  applied(0, 1);
  update(2);
  subscriptions.threadDied(0);
  update(3);
  update(4);
  assert.deepEqual([told(), judged()], [['0:1', '0:2'], ['ack 1']]);
  applied(0, 4);
  assert.deepEqual(judged(), [], 'nobody was told');
  assert.equal(add(0), false, 'the controller knows of it');
  assert.deepEqual(told(), ['0:1', '0:4']);
  applied(0, 1);
  applied(0, 4);
  assert.deepEqual(judged(), ['ack 4']);
});

test('Subscriptions drops what no living thread has asked for, and nothing else', () => {
  const { add, subscriptions } = bench();
  add(0, 'a:80');
  add(0, 'b:80');
  add(1, 'b:80');
  subscriptions.threadDied(0);
  assert.deepEqual(subscriptions.dropUnclaimed(), ['a:80']);
  assert.deepEqual(
    [...subscriptions.targets()].map(([key]) => key),
    ['b:80'],
  );
});

test('Subscriptions describes who asked, what came of it, and how long ago', () => {
  const { add, applied, pass, subscriptions, update } = bench();
  add(0);
  add(1);
  update(1);
  applied(0, 1, 'it is bad');
  pass(1_500);
  assert.deepEqual(subscriptions.describe(), {
    [KEY]: {
      target,
      unanswered: 1,
      threads: [0, 1],
      last: { version: version(1), ageMs: 1_500, resource, error: 'it is bad' },
      good: undefined,
    },
  });
});
