import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portListProblems } from './port-list-annotations.ts';

const PREFIX = 'config.culvert.dev/';
const WORDS = 'must be a list of ports, ranges and port names, as "3306,4444-4450,mysql", has';

test('portListProblems names each annotation that is no list, and what is wrong in it', () => {
  const good = { [`${PREFIX}opaque-ports`]: '25, sql', [`${PREFIX}skip-inbound-ports`]: '' };
  assert.deepEqual(portListProblems(good), []);
  const bad = {
    [`${PREFIX}opaque-ports`]: '25;26',
    [`${PREFIX}skip-inbound-ports`]: '0',
    [`${PREFIX}skip-outbound-ports`]: '9-8',
    other: '0',
  };
  assert.deepEqual(portListProblems(bad), [
    [`${PREFIX}opaque-ports`, `${WORDS} "25;26"`],
    [`${PREFIX}skip-inbound-ports`, `${WORDS} "0"`],
    [`${PREFIX}skip-outbound-ports`, `${WORDS} "9-8"`],
  ]);
});
