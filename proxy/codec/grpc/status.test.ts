import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { type GrpcStatus, codeOfHttp, describeStatus, readStatus } from './status.ts';

const statusOf = (...fields: readonly string[]): GrpcStatus | undefined =>
  readStatus(parseHead('response', `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`));

test('readStatus reads code and message, whatever stands around them', () => {
  assert.deepEqual(statusOf('a: b', 'grpc-message: going away', 'grpc-status: 14', 'c: d'), {
    code: 14,
    message: 'going away',
  });
  assert.deepEqual(statusOf('grpc-status: 0'), { code: 0, message: '' });
});

test('readStatus finds none where there is none', () => {
  assert.equal(statusOf('grpc-message: alone'), undefined);
});

for (const value of ['', '-1', '1.5', 'OK', '1000', '0x1']) {
  test(`readStatus takes a grpc-status of "${value}" for UNKNOWN`, () => {
    assert.equal(statusOf(`grpc-status: ${value}`)?.code, 2);
  });
}

for (const [encoded, message] of [
  ['a b%20c', 'a b c'],
  ['%C3%A4 %e2%82%ac', 'ä €'],
  ['100% of %zz %4', '100% of %zz %4'],
  ['%25zz', '%zz'],
  ['%ff', '\ufffd'],
] as const) {
  test(`readStatus decodes "${encoded}"`, () => {
    assert.equal(statusOf('grpc-status: 1', `grpc-message: ${encoded}`)?.message, message);
  });
}

test('describeStatus names the code', () => {
  assert.equal(describeStatus({ code: 14, message: 'going away' }), 'UNAVAILABLE: going away');
  assert.equal(describeStatus({ code: 16, message: '' }), 'UNAUTHENTICATED');
  assert.equal(describeStatus({ code: 99, message: 'x' }), 'status 99: x');
});

test('codeOfHttp maps as gRPC says', () => {
  const codes = [400, 401, 403, 404, 429, 502, 503, 504, 200, 500, 302].map(codeOfHttp);
  assert.deepEqual(codes, [13, 16, 7, 12, 14, 14, 14, 14, 2, 2, 2]);
});
