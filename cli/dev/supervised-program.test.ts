import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import type { Exit } from './child.ts';
import { SupervisedProgram } from './supervised-program.ts';
import type { Run } from './supervised-program.ts';

/** A clock that stands still until the test moves it, and a program that ends when told to. */
class Scene {
  nowMs = 0;
  readonly scheduled: { delayMs: number; run: () => void; cancelled: boolean }[] = [];
  readonly runs: { end: (exit: Exit) => void; signals: string[] }[] = [];
  readonly sentences: string[] = [];
  downs = 0;

  readonly program = new SupervisedProgram({
    name: 'web-1: "node web.ts"',
    start: () => this.#start(),
    clock: {
      nowMs: () => this.nowMs,
      schedule: (delayMs, run) => {
        const entry = { delayMs, run, cancelled: false };
        this.scheduled.push(entry);
        return () => void (entry.cancelled = true);
      },
    },
    onDown: () => void this.downs++,
    onTrouble: (sentence) => void this.sentences.push(sentence),
  });

  #start(): Run {
    const { promise, resolve } = Promise.withResolvers<Exit>();
    const signals: string[] = [];
    this.runs.push({ end: resolve, signals });
    return {
      pid: 100 + this.runs.length,
      exited: promise,
      signal: (signal) => void signals.push(signal),
    };
  }

  /** The run of now ends after `upMs`. */
  async end(exit: Exit, upMs: number): Promise<void> {
    this.nowMs += upMs;
    this.runs.at(-1)?.end(exit);
    await setImmediate();
  }
}

const failed: Exit = { code: 1, signal: undefined };

test('SupervisedProgram starts again what ended, after its delay, and says so', async () => {
  const scene = new Scene();
  scene.program.start();
  assert.equal(scene.program.pid, 101);
  await scene.end(failed, 1_500);
  assert.equal(scene.program.pid, undefined);
  assert.equal(scene.downs, 1);
  assert.deepEqual(scene.sentences, [
    'web-1: "node web.ts" exited with code 1 after 1.5 s; it starts again in 0.1 s',
  ]);
  assert.equal(scene.scheduled[0]?.delayMs, 100);
  scene.scheduled[0]?.run();
  assert.equal(scene.program.pid, 102);
  await scene.end({ code: undefined, signal: 'SIGKILL' }, 10);
  assert.equal(scene.scheduled[1]?.delayMs, 200);
  assert.match(scene.sentences[1] ?? '', /was ended by SIGKILL after 0\.0 s/);
});

test('SupervisedProgram that was stopped stays down', async () => {
  const scene = new Scene();
  scene.program.start();
  scene.program.stop('SIGTERM');
  assert.deepEqual(scene.runs[0]?.signals, ['SIGTERM']);
  await scene.end({ code: 0, signal: undefined }, 10);
  await scene.program.exited();
  scene.program.start();
  assert.equal(scene.runs.length, 1);
  assert.deepEqual([scene.downs, scene.sentences, scene.scheduled], [0, [], []]);
});

test('SupervisedProgram stopped while it waits does not start again', async () => {
  const scene = new Scene();
  scene.program.start();
  await scene.end(failed, 10);
  scene.program.stop('SIGTERM');
  assert.equal(scene.scheduled[0]?.cancelled, true);
  await scene.program.exited();
});
