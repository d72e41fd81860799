import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { Log } from '../../base/log.ts';
import { type TaskSystem, lowerRuntimeThreads } from './runtime-threads.ts';

const NAMES: Readonly<Record<string, string>> = {
  '10': 'node-MainThread',
  '11': 'node-V8Worker',
  '12': 'WorkerThread',
  '13': 'node-V8Worker',
  '14': 'libuv-worker',
};

/** A process with the threads of NAMES, and what became of their priorities. */
function scripted(accepts: boolean) {
  const set: [number, number][] = [];
  const system: TaskSystem = {
    tasks: () => Object.keys(NAMES),
    nameOf: (task) => NAMES[task] ?? '',
    setNice: (task, nice) => {
      set.push([task, nice]);
      return accepts;
    },
  };
  return { set, system };
}

/** A log, and its lines. */
function heard() {
  const lines: string[] = [];
  return { lines, log: new Log('test', 'debug', Date.now, (line) => void lines.push(line)) };
}

test('lowerRuntimeThreads lowers what V8 keeps for itself, and nothing else', () => {
  const { set, system } = scripted(true);
  const { lines, log } = heard();
  assert.equal(lowerRuntimeThreads(log, system), 2);
  assert.deepEqual(set, [
    [11, 19],
    [13, 19],
  ]);
  assert.deepEqual(lines, []);
});

test('lowerRuntimeThreads says once that the kernel refuses, and goes on', () => {
  const { lines, log } = heard();
  assert.equal(lowerRuntimeThreads(log, scripted(false).system), 0);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /refused for 2 threads/);
});

test('lowerRuntimeThreads says that there are no such threads', () => {
  const { lines, log } = heard();
  assert.equal(lowerRuntimeThreads(log, { ...scripted(true).system, tasks: () => ['10'] }), 0);
  assert.match(lines[0] ?? '', /no thread is named node-V8Worker/);
});

const skip = process.platform === 'linux' ? false : 'priorities of threads are of Linux';

test("lowerRuntimeThreads finds this runtime's threads", { skip }, () => {
  // In a process of its own: a priority cannot be raised again.
  const program = `
    const { readFileSync, readdirSync } = await import('node:fs');
    const { lowerRuntimeThreads } = await import('./runtime-threads.ts');
    const lowered = lowerRuntimeThreads({ debug: (...said) => console.log(...said) });
    const nice = readdirSync('/proc/self/task').map((task) =>
      readFileSync('/proc/self/task/' + task + '/stat', 'utf8').split(') ')[1].split(' ')[16]);
    console.log(JSON.stringify({ lowered, at19: nice.filter((each) => each === '19').length, all: nice.length }));`;
  const { stderr, stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd: path.resolve(import.meta.dirname), encoding: 'utf8' },
  );
  const { lowered, at19, all } = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`) as {
    lowered: number;
    at19: number;
    all: number;
  };
  assert.ok(lowered > 0, stdout);
  assert.equal(at19, lowered);
  assert.ok(at19 < all, 'the thread that runs JavaScript keeps its own');
});
