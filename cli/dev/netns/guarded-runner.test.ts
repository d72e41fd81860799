import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../../test/support/deadline.ts';
import { Guardian } from '../guardian.ts';
import { guardedRunner } from './guarded-runner.ts';

const newDirectory = (): string => mkdtempSync(path.join(tmpdir(), 'culvert-guarded-'));

test('programs are run with their input, to their end', async () => {
  const guardian = new Guardian(newDirectory());
  const run = guardedRunner(guardian, ['env', 'GREETING=hello']);
  const script = 'echo "$GREETING $(cat)"; echo no >&2; exit 3';
  const ran = await run('sh', ['-c', script], 'you');
  assert.deepEqual(ran, { code: 3, missing: false, stdout: 'hello you\n', stderr: 'no\n' });
  assert.deepEqual(await run('sh', ['-c', 'kill -9 $$'], ''), {
    code: undefined,
    missing: false,
    stdout: '',
    stderr: 'ended by SIGKILL',
  });
  assert.equal((await run('no-such-program', [], '')).missing, true);
  await guardian.close();
  // Nothing is made that nobody would take away.
  const late = await run('sh', ['-c', 'exit 0'], '');
  assert.equal(late.code, undefined);
  assert.notEqual(late.stderr, '');
});

/** Stands for `dev`: has a program make something, which takes it a while. */
const PARENT = `
const { Guardian } = await import(process.env.GUARDIAN);
const { guardedRunner } = await import(process.env.RUNNER);
const guardian = new Guardian(process.env.STATE, { lastScript: process.env.LAST, hold: undefined });
const run = guardedRunner(guardian);
await run('sh', ['-c', process.env.MAKE], '');
`;

test('program that makes something when dev is killed has ended before the last script looks', async (t) => {
  const directory = newDirectory();
  t.after(() => rmSync(directory, { recursive: true }));
  const at = (name: string): string => path.join(directory, name);
  const read = (name: string): string =>
    existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '';
  writeFileSync(at('last.sh'), `rm -f "${at('made')}"; echo done >"${at('done')}"\n`);
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    env: {
      ...process.env,
      STATE: at('state'),
      LAST: at('last.sh'),
      // As long as it may it goes on until the last script is through, and makes it then.
      MAKE: `trap '' TERM; echo $$ >"${at('pid')}"; while [ ! -s "${at('done')}" ]; do sleep 0.05; done; echo >"${at('made')}"`,
      GUARDIAN: new URL('../guardian.ts', import.meta.url).href,
      RUNNER: new URL('guarded-runner.ts', import.meta.url).href,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await eventually('it to be in the middle', () => read('pid') !== '');
  parent.kill('SIGKILL');
  await eventually('the last script to be through', () => read('done') !== '');
  await eventually('it to have ended', () => !existsSync(`/proc/${read('pid').trim()}`));
  assert.equal(existsSync(at('made')), false);
});
