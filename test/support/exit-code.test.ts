import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { test } from 'node:test';
import { exitCodeOf } from './exit-code.ts';

const run = (file: string, ...args: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    execFile(file, args, (error) => resolve(exitCodeOf(error)));
  });

test('exitCodeOf tells a signal and a program that is not there from success', async () => {
  assert.equal(await run('sh', '-c', 'exit 0'), 0);
  assert.equal(await run('sh', '-c', 'exit 3'), 3);
  assert.equal(await run('sh', '-c', 'kill -KILL $$'), 128 + constants.signals.SIGKILL);
  assert.equal(await run('/no/such/program'), 127);
});
