import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES, toResponse } from '../proxy/errors.ts';
import { type ErrorCode, MeshError } from '../proxy/model/mesh-error.ts';

const page = readFileSync(path.join(import.meta.dirname, 'errors.md'), 'utf8');
const rows = new Map(
  [...page.matchAll(/^\| `([\w-]+)` \| (.+) \| .+ \|$/gm)].map(([, code = '', cells = '']) => [
    code,
    cells,
  ]),
);

const answerOf = (code: ErrorCode): string => {
  const error = new MeshError(code, 'proxy', 'A sentence.');
  const { close, status } = toResponse(error, { grpc: false, local: false });
  const { fields } = toResponse(error, { grpc: true, local: false });
  const grpc = fields.find(([name]) => name === 'grpc-status')?.[1];
  return `${status} | ${grpc} | ${close ? 'yes' : 'no'}`;
};

test('docs/errors.md has a row for every error, and for nothing else', () => {
  assert.deepEqual([...rows.keys()], [...ERROR_CODES], 'in the order of proxy/errors.ts');
});

for (const code of ERROR_CODES) {
  test(`docs/errors.md says what ${code} is answered with`, () => {
    assert.equal(rows.get(code), answerOf(code));
  });
}
