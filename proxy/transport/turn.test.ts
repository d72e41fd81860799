import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turn } from './turn.ts';

test('Turn settles each waiting once, at the end of the outermost turn, in order', () => {
  const turn = new Turn(() => 0);
  const heard: string[] = [];
  turn.run(() => {
    turn.settleLater({ settle: () => heard.push('first') });
    turn.run(() => turn.settleLater({ settle: () => heard.push('second') }));
    heard.push('work');
  });
  turn.run(() => heard.push('next'));
  assert.deepEqual(heard, ['work', 'first', 'second', 'next']);
});

test('Turn settles what settling asked for in the same turn', () => {
  const turn = new Turn(() => 0);
  const heard: string[] = [];
  turn.run(() => {
    turn.settleLater({
      settle: () => {
        heard.push('first');
        turn.settleLater({ settle: () => heard.push('second') });
      },
    });
  });
  assert.deepEqual(heard, ['first', 'second']);
});

test('Turn reads the clock at most once a turn, and at every call outside', () => {
  let reads = 0;
  const turn = new Turn(() => ++reads);
  turn.run(() => {
    assert.equal(turn.nowUs(), 1);
    turn.run(() => assert.equal(turn.nowUs(), 1));
    turn.settleLater({ settle: () => assert.equal(turn.nowUs(), 1) });
  });
  assert.equal(turn.nowUs(), 2);
  assert.equal(turn.nowUs(), 3);
  turn.run(() => assert.equal(turn.nowUs(), 4));
});

test('Turn settles in a microtask what is asked for outside a turn, all at once', async () => {
  const turn = new Turn(() => 0);
  const heard: string[] = [];
  turn.settleLater({ settle: () => heard.push('first') });
  turn.settleLater({ settle: () => heard.push('second') });
  assert.equal(heard.length, 0);
  await Promise.resolve();
  assert.equal(heard.join(' '), 'first second');
  turn.settleLater({ settle: () => heard.push('third') });
  await Promise.resolve();
  assert.equal(heard[2], 'third');
});

test('Turn ends when its work throws, and settles what was asked for', () => {
  const turn = new Turn(() => 0);
  let settled = false;
  const failing = (): void =>
    turn.run(() => {
      turn.settleLater({ settle: () => (settled = true) });
      throw new Error('a bug');
    });
  assert.throws(failing, /a bug/);
  assert(settled);
});
