import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Argument, Command } from 'commander';
import { commandShape } from './command-shape.ts';
import { completionScript, SHELLS } from './completion-script.ts';
import { readTypedLine } from './typed-line.ts';

/** A program that no completion was written for. */
const program = new Command('meshctl');
program
  .command('tap')
  .description("look at a workload's requests")
  .addArgument(new Argument('<type>', 'what to tap'))
  .option('-m, --max <count>', 'how many')
  .option('-q, --quiet', 'say less')
  .command('replay')
  .option('--speed <factor>', 'how fast');
const shape = commandShape(program);

const read = (...words: readonly string[]) => {
  const { options, values, next, nextFlag } = readTypedLine(shape, words);
  return { options: Object.fromEntries(options), values, next: next?.name, nextFlag };
};

test('typed line tells options, arguments and what comes next', () => {
  const none = { options: {}, values: [], next: undefined, nextFlag: undefined };
  assert.deepEqual(read('ta'), none);
  assert.deepEqual(read('tap', ''), { ...none, next: 'type' });
  assert.deepEqual(read('tap', '-m', '3', '-q', 'po'), {
    ...none,
    options: { '--max': '3', '--quiet': '' },
    next: 'type',
  });
  assert.deepEqual(read('tap', '--max=3', 'po', ''), {
    ...none,
    options: { '--max': '3' },
    values: ['po'],
  });
  assert.deepEqual(read('tap', '-m', ''), { ...none, next: 'count', nextFlag: '--max' });
  assert.deepEqual(read('tap', 'replay', '--speed', '2'), {
    ...none,
    next: 'factor',
    nextFlag: '--speed',
  });
  assert.deepEqual(read('tap', '--nosuch', ''), { ...none, next: 'type' });
});

test('a new command is in every script, and its commands are', () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell, shape);
    for (const part of ['tap', 'replay', 'tap replay', 'max', 'speed']) {
      assert.ok(script.includes(part), `${shell}: ${part}`);
    }
    assert.doesNotMatch(script, /@@/);
  }
});
