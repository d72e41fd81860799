import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from './classify.ts';

const NONE = -1;

const CASES: readonly (readonly [
  failed: boolean,
  status: number,
  grpc: number,
  failure: boolean,
])[] = [
  [false, 200, NONE, false],
  [false, 304, NONE, false],
  [false, 404, NONE, false],
  [false, 499, NONE, false],
  [false, 500, NONE, true],
  [false, 503, NONE, true],
  [false, 599, NONE, true],
  // Reset or truncated after its head had left.
  [true, 200, NONE, true],
  [true, 404, NONE, true],
  [true, 200, 0, true],
  [true, 200, 5, true],
];

for (const [failed, status, grpc, failure] of CASES) {
  const what = `${failed ? 'cut ' : ''}${status}${grpc === NONE ? '' : ` with grpc-status ${grpc}`}`;
  test(`isFailure says that ${what} is a ${failure ? 'failure' : 'success'}`, () => {
    assert.equal(isFailure(failed, status, grpc), failure);
  });
}

const GRPC_FAILURES = {
  UNKNOWN: 2,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
};

test('isFailure goes by the gRPC status when there is one, whatever the HTTP status', () => {
  const failures = new Set<number>(Object.values(GRPC_FAILURES));
  for (let grpc = 0; grpc <= 16; grpc++) {
    for (const status of [200, 503]) {
      assert.equal(isFailure(false, status, grpc), failures.has(grpc), `grpc-status ${grpc}`);
    }
  }
});
