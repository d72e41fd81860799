import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tmpdir } from 'node:os';
import { DIRECT } from '../peers/direct.ts';
import { commitName, conditionsOf } from './machine.ts';

test('conditionsOf names the machine and those who have a version', () => {
  const peer = { ...DIRECT, name: 'other', version: () => '1.2.3' };
  const root = import.meta.dirname;
  const found = conditionsOf({ root, seed: 5, peers: [DIRECT, peer], proxyCore: 0, loadCore: 1 });
  assert.equal(found.versions['other'], '1.2.3');
  assert.equal(found.versions['node'], process.versions.node);
  assert.ok(!('direct' in found.versions));
  assert.ok(found.cores > 0 && found.memoryMb > 0);
  assert.match(found.startedAt, /^\d{4}-\d\d-\d\dT/);
});

test('commitName is a hash, or unknown outside of a repository', () => {
  assert.match(commitName(import.meta.dirname), /^[0-9a-f]{12}\+?$|^unknown$/);
  assert.equal(commitName(tmpdir()), 'unknown');
});
