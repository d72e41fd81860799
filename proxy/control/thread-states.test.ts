import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToThread } from '../model/thread.ts';
import { ThreadStates } from './thread-states.ts';

const STATE = { destinations: [], errors: [] };

function bench(threads: number) {
  const told: ToThread[] = [];
  const states = new ThreadStates(threads, (message) => told.push(message));
  const answer = (thread: number, question: number): void =>
    states.heard(thread, { type: 'described', question, state: STATE });
  return { told, states, answer };
}

test('ThreadStates has the answer of every thread', async () => {
  const { answer, states, told } = bench(2);
  const first = states.ask();
  const second = states.ask();
  assert.deepEqual(told, [
    { type: 'describe', question: 1 },
    { type: 'describe', question: 2 },
  ]);
  answer(1, 1);
  answer(0, 1);
  assert.deepEqual(await first, [STATE, STATE]);
  answer(0, 1);
  answer(0, 2);
  answer(1, 2);
  assert.deepEqual(await second, [STATE, STATE]);
});

test('ThreadStates does without a thread that does not answer, or twice', async () => {
  const { answer, states } = bench(2);
  const asked = states.ask();
  answer(0, 1);
  answer(0, 1);
  assert.deepEqual(await asked, [STATE, undefined]);
});
