import assert from 'node:assert/strict';
import { test } from 'node:test';

import { silenceOf } from './reporting.ts';

const silenceAt = (ageMs: number | undefined): string | undefined =>
  silenceOf({ reportAgeMs: () => ageMs }, 'demo', 'web-1');

test('silenceOf bears ten seconds between reports, and no more', () => {
  assert.equal(silenceAt(10_000), undefined);
  assert.equal(silenceAt(10_001), 'sent its last report 10 s ago');
  assert.equal(silenceAt(undefined), 'has sent no report');
});
