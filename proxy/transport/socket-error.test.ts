import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketError } from './socket-error.ts';

const CASES = [
  ['EMFILE', 'out-of-descriptors', 'unsent'],
  ['ENFILE', 'out-of-descriptors', 'unsent'],
  ['ECONNRESET', 'upstream-reset', 'if-reused'],
  ['EPIPE', 'upstream-reset', 'if-reused'],
  ['ETIMEDOUT', 'deadline-passed', 'if-reused'],
  ['ECONNREFUSED', 'upstream-refused', 'unsent'],
  ['EHOSTUNREACH', 'upstream-refused', 'unsent'],
] as const;

for (const [code, meshCode, retry] of CASES) {
  test(`socketError makes ${code} ${meshCode}, retry ${retry}, and says where`, () => {
    const error = socketError(Object.assign(new Error('x'), { code }), '10.0.0.1:80');
    assert.equal(error.code, meshCode);
    assert.equal(error.retry, retry);
    assert.match(error.sentence, new RegExp(`10\\.0\\.0\\.1:80: ${code}\\.$`));
  });
}
