import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketError } from './socket-error.ts';

/** Code -> what it is before the connection was there, and after. */
const CASES = [
  ['EMFILE', 'out-of-descriptors', 'out-of-descriptors'],
  ['ENFILE', 'out-of-descriptors', 'out-of-descriptors'],
  ['ETIMEDOUT', 'deadline-passed', 'deadline-passed'],
  ['ECONNREFUSED', 'upstream-refused', 'upstream-reset'],
  ['ECONNRESET', 'upstream-unreachable', 'upstream-reset'],
  ['EPIPE', 'upstream-unreachable', 'upstream-reset'],
  ['EHOSTUNREACH', 'upstream-unreachable', 'upstream-reset'],
  ['EADDRNOTAVAIL', 'upstream-unreachable', 'upstream-reset'],
] as const;

for (const [code, dialling, opened] of CASES) {
  test(`socketError makes ${code} ${dialling} while dialling and ${opened} later`, () => {
    const early = socketError(code, '10.0.0.1:80', false);
    const late = socketError(code, '10.0.0.1:80', true);
    assert.deepEqual([early.code, early.retry], [dialling, 'unsent']);
    assert.deepEqual([late.code, late.retry], [opened, 'if-reused']);
    assert.match(early.sentence, new RegExp(`10\\.0\\.0\\.1:80: ${code}\\.$`));
  });
}
