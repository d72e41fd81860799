import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemRunner } from './runner.ts';

const linux = process.platform === 'win32' ? 'needs a Unix' : false;

it('A program gets its input, and gives its output and exit code', { skip: linux }, async () => {
  const ran = await systemRunner()('sh', ['-c', 'cat; echo oh >&2; exit 4'], 'in');
  assert.deepEqual(ran, { code: 4, missing: false, stdout: 'in', stderr: 'oh\n' });
});

it('A program that does not read its input ends as it likes', { skip: linux }, async () => {
  const ran = await systemRunner()('true', [], 'x'.repeat(1_000_000));
  assert.equal(ran.code, 0);
});

it(
  'A program that is not installed is missing, whatever would run it',
  { skip: linux },
  async () => {
    for (const prefix of [[], ['env']]) {
      const ran = await systemRunner(prefix)('no-such-program', [], '');
      assert.deepEqual([ran.code, ran.missing], [undefined, true]);
    }
  },
);

it('A program that a signal ended has no exit code', { skip: linux }, async () => {
  const ran = await systemRunner()('sh', ['-c', 'kill -9 $$'], '');
  assert.deepEqual([ran.code, ran.missing], [undefined, false]);
});

it('A prefix runs the program', { skip: linux }, async () => {
  const ran = await systemRunner(['env', 'WHERE=here'])('sh', ['-c', 'echo $WHERE'], '');
  assert.equal(ran.stdout, 'here\n');
});
