import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { LineProcess } from './line-process.ts';

test('LineProcess kills a process that does not answer in time', async () => {
  const [hung] = await LineProcess.start('bench/load/server-main.ts', undefined);
  const { pid } = hung;
  process.kill(pid, 'SIGSTOP');
  await assert.rejects(hung.ask('{}', 30), /did not answer in 30 ms and was killed/);
  await hung.stop();
  assert.equal(existsSync(`/proc/${pid}`), false);
});

test('LineProcess says what a process that failed wrote', async () => {
  const [failing] = await LineProcess.start('bench/load/server-main.ts', undefined);
  await assert.rejects(failing.ask('no JSON', 5_000), /ended with code 1:[^]*SyntaxError/);
  await failing.stop();
});

test('LineProcess says that a program does not start', async () => {
  await assert.rejects(
    LineProcess.start('bench/load/no-such-file.ts', undefined),
    /ended with code 1:[^]*no-such-file/,
  );
});
