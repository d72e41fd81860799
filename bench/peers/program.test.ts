import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProgram, missingProgram, versionOf } from './program.ts';

test('findProgram finds a name in the PATH, and a path where it is', () => {
  assert.match(findProgram('sh') ?? '', /^\/.*\/sh$/);
  assert.equal(findProgram(process.execPath), process.execPath);
  assert.equal(findProgram('no-such-program-here'), undefined);
  assert.equal(findProgram('/etc/passwd'), undefined);
  assert.equal(findProgram(''), undefined);
});

test('missingProgram says what to install', () => {
  const wanted = { program: 'no-such-program-here', debianPackage: 'some-package' };
  assert.equal(
    missingProgram({ program: 'sh', debianPackage: 'dash' }, wanted),
    'no-such-program-here is not installed: apt-get install some-package.',
  );
});

test('versionOf reads the first number a program says', () => {
  assert.equal(versionOf(process.execPath, '--version'), process.versions.node);
  assert.equal(versionOf('no-such-program-here', '--version'), '');
});
