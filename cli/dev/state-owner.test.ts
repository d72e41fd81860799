import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { newStateDirectoryName, removeAbandoned, stateDirectories } from './state-owner.ts';

const uid = process.getuid?.();
/** Of a process that has ended. */
const gonePid = spawnSync('true').pid;

function parentOf(t: TestContext, names: readonly string[]): string {
  const parent = mkdtempSync(path.join(tmpdir(), 'culvert-owner-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  for (const name of names) {
    mkdirSync(path.join(parent, name));
    writeFileSync(path.join(parent, name, 'pod.yaml'), '');
  }
  return parent;
}

/** What it says that it removed. */
function removedIn(parent: string, by = uid): readonly string[] {
  const said: string[] = [];
  removeAbandoned(parent, by, (directory) => said.push(directory));
  return said;
}

test('stateDirectories are directories of the user that asks', (t) => {
  const parent = parentOf(t, ['culvert-dev-1', 'other']);
  const own = path.join(parent, 'culvert-dev-1');
  symlinkSync(own, path.join(parent, 'culvert-dev-2'));
  assert.deepEqual(stateDirectories(parent, uid), [own]);
  if (uid !== undefined) assert.deepEqual(stateDirectories(parent, uid + 1), []);
});

test(
  'removeAbandoned removes the state of a process that is gone',
  { skip: process.platform !== 'linux' && 'only Linux says which boot and namespace this is' },
  (t) => {
    const gone = newStateDirectoryName(gonePid);
    const parent = parentOf(t, [gone]);
    if (uid !== undefined) assert.deepEqual(removedIn(parent, uid + 1), []);
    assert.deepEqual(removedIn(parent), [path.join(parent, gone)]);
    assert.deepEqual(readdirSync(parent), []);
  },
);

test('removeAbandoned leaves what may be of a living run', (t) => {
  const gone = newStateDirectoryName(gonePid);
  const target = parentOf(t, [gone]);
  const names = [
    newStateDirectoryName(process.pid),
    // Not ours, and there all the same.
    newStateDirectoryName(1),
    // Of another machine, or container, whose numbers say nothing here.
    gone.replace(/-[0-9a-f]{8}-/, '-01234567-'),
    // Of which nobody can tell.
    'culvert-dev-0123456789ab',
    `${gone}.yaml`,
  ];
  const parent = parentOf(t, names);
  symlinkSync(path.join(target, gone), path.join(parent, newStateDirectoryName(gonePid)));
  assert.deepEqual(removedIn(parent), []);
  assert.equal(readdirSync(parent).length, names.length + 1);
});

test('removeAbandoned of a directory that is not there removes nothing', () => {
  assert.deepEqual(removedIn(path.join(tmpdir(), 'culvert-nowhere')), []);
});
