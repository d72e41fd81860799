import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES, PROXY_ERROR_FIELD, grpcStatusOf, statusOf, toResponse } from './errors.ts';
import { type ErrorCode, MeshError } from './model/mesh-error.ts';

/** The contract's table: HTTP status, gRPC status, whether the connection closes. */
const ANSWERS: Readonly<Record<ErrorCode, readonly [http: number, grpc: number, close: boolean]>> =
  {
    'malformed-request': [400, 13, true],
    'not-http': [400, 13, true],
    'unknown-transfer-coding': [501, 13, true],
    'version-not-served': [505, 13, true],
    'head-too-large': [431, 8, true],
    'target-too-long': [414, 8, true],
    'head-timeout': [408, 4, true],
    'tunnel-not-served': [501, 12, false],
    'no-such-service': [404, 5, false],
    'upstream-protocol': [502, 14, false],
    'upstream-refused': [502, 14, false],
    'upstream-unreachable': [502, 14, false],
    'upstream-reset': [502, 14, false],
    'address-refused': [502, 14, true],
    'outside-failed': [502, 14, true],
    'dns-failed': [502, 14, false],
    'no-endpoint': [503, 14, false],
    'discovery-timeout': [503, 14, false],
    overloaded: [503, 14, false],
    'out-of-descriptors': [503, 14, true],
    'past-drain': [503, 14, true],
    'deadline-passed': [504, 4, false],
    'proxy-loop': [508, 10, true],
    internal: [500, 13, true],
    cancelled: [499, 1, true],
  };

const SENTENCE = 'No endpoint of "wéb" is ready:\r\n2 of 2 are down; 100% of them.';
const error = (code: ErrorCode): MeshError => new MeshError(code, 'proxy', SENTENCE);
const field = (fields: readonly (readonly [string, string])[], name: string): string | undefined =>
  fields.find(([one]) => one === name)?.[1];

test('ERROR_CODES are those of the contract', () => {
  assert.deepEqual(new Set(ERROR_CODES), new Set(Object.keys(ANSWERS)));
});

for (const code of ERROR_CODES) {
  const [http, grpc, close] = ANSWERS[code];

  test(`toResponse answers ${code} with ${http}, gRPC ${grpc}, ${close ? 'close' : 'keep'}`, () => {
    assert.deepEqual([statusOf(error(code)), grpcStatusOf(error(code))], [http, grpc]);
    for (const local of [true, false]) {
      const plain = toResponse(error(code), { grpc: false, local });
      assert.deepEqual([plain.status, plain.close], [http, close]);
      assert.match(plain.reason, /^[A-Z][A-Za-z ]+$/);
      assert.notEqual(plain.reason, 'Error', 'a reason phrase of its own');
      assert.equal(plain.body, `${http} ${plain.reason}\n`);
      assert.equal(field(plain.fields, 'content-type'), 'text/plain');
      assert.equal(field(plain.fields, 'grpc-status'), undefined);
      const rpc = toResponse(error(code), { grpc: true, local });
      assert.deepEqual([rpc.status, rpc.reason, rpc.body, rpc.close], [200, 'OK', '', close]);
      assert.equal(field(rpc.fields, 'content-type'), 'application/grpc');
      assert.equal(field(rpc.fields, 'grpc-status'), String(grpc));
    }
  });
}

test('toResponse tells the local application the sentence, in one line of plain characters', () => {
  const sentence = 'No endpoint of "w b" is ready: 2 of 2 are down; 100% of them.';
  for (const grpc of [false, true]) {
    const { fields } = toResponse(error('no-endpoint'), { grpc, local: true });
    assert.equal(field(fields, PROXY_ERROR_FIELD), sentence);
  }
});

test('toResponse percent-encodes the sentence for gRPC, so that it decodes to the same', () => {
  const { fields } = toResponse(error('no-endpoint'), { grpc: true, local: true });
  const message = field(fields, 'grpc-message') ?? '';
  assert.match(message, /^[\x20-\x7e]+$/);
  assert.equal(decodeURIComponent(message), SENTENCE);
});

test('toResponse tells a stranger the code and nothing of the mesh', () => {
  for (const code of ERROR_CODES) {
    for (const grpc of [false, true]) {
      const response = toResponse(error(code), { grpc, local: false });
      assert.equal(field(response.fields, PROXY_ERROR_FIELD), undefined);
      assert.ok(!JSON.stringify(response).includes('endpoint of'));
      assert.equal(field(response.fields, 'grpc-message'), grpc ? code : undefined);
    }
  }
});

test('toResponse leaves printable ASCII in a grpc-message as it is, but for the percent sign', () => {
  const sentence = 'a "b" <c> 50% d\u00e9\n\ud800 ~!';
  const { fields } = toResponse(new MeshError('internal', 'proxy', sentence), {
    grpc: true,
    local: true,
  });
  const lone = '%EF%BF%BD';
  assert.equal(field(fields, 'grpc-message'), `a "b" <c> 50%25 d%C3%A9%0A${lone} ~!`);
});

test('toResponse cuts a sentence that a peer has made long', () => {
  const long = new MeshError('internal', 'proxy', '\u00e9'.repeat(100_000));
  for (const grpc of [false, true]) {
    const { fields } = toResponse(long, { grpc, local: true });
    const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    assert.ok(bytes < 8_192, `${bytes} bytes`);
  }
});
