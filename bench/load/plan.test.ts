import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planProblem, type LoadPlan } from './plan.ts';

const GOOD: LoadPlan = {
  protocol: 'http1',
  to: { host: '127.0.0.1', port: 80 },
  authority: 'web',
  requests: [{ method: 'GET', path: '/', bodyBytes: 0, weight: 1 }],
  connections: 1,
  connectionPerRequest: false,
  idleConnections: 0,
  arrival: { kind: 'closed' },
  warmupMs: 0,
  durationMs: 1,
  seed: 1,
  watch: [],
};
const shape = GOOD.requests[0]!;
const HTTP2 = { protocol: 'http2' } as const;
const UNARY = { ...shape, method: 'POST', grpc: { messageBytes: 10, messages: 1 } } as const;
const STREAM = { ...UNARY, grpc: { messageBytes: 10, messages: 100 } } as const;

const BAD: readonly (readonly [Partial<LoadPlan>, RegExp])[] = [
  [{ protocol: 'http9' as 'http1' }, /protocol "http9"/],
  [{ to: { host: '::1', port: 0 } }, /port 0/],
  [{ requests: [] }, /requests is empty/],
  [{ connections: 0 }, /connections 0/],
  [{ connections: 1.5 }, /connections 1.5/],
  [{ idleConnections: 20_000 }, /idleConnections 20000/],
  [{ idleConnections: 1, connectionPerRequest: true }, /idleConnections/],
  [{ arrival: { kind: 'poisson', perSecond: 0 } }, /perSecond 0/],
  [{ arrival: { kind: 'fixed', perSecond: Number.NaN } }, /perSecond NaN/],
  [{ warmupMs: -1 }, /warmupMs/],
  [{ durationMs: 0 }, /durationMs/],
  [{ seed: 0.5 }, /seed 0.5/],
  [{ authority: 'web\r\nX: y' }, /authority/],
  [{ streamsPerConnection: 2 }, /streamsPerConnection 2/],
  [{ protocol: 'http2', streamsPerConnection: 0 }, /streamsPerConnection 0/],
  [{ protocol: 'http2', streamsPerConnection: 2_000_000 }, /streamsPerConnection 2000000/],
  [{ protocol: 'http2', connectionPerRequest: true }, /connectionPerRequest/],
  [{ requests: [shape, { ...shape, path: '/a b' }] }, /path "\/a b"/],
  [{ requests: [{ ...shape, weight: 0 }] }, /weight 0/],
  [{ requests: [{ ...shape, bodyBytes: -1 }] }, /bodyBytes -1/],
  [{ requests: [{ ...shape, method: 'PUT' as 'GET' }] }, /method/],
  [{ requests: [UNARY] }, /gRPC is of http2/],
  [{ ...HTTP2, requests: [UNARY, shape] }, /no gRPC calls/],
  [{ ...HTTP2, requests: [UNARY, STREAM] }, /one shape/],
  [{ ...HTTP2, requests: [{ ...UNARY, method: 'GET' }] }, /a POST/],
  [{ ...HTTP2, requests: [{ ...UNARY, bodyBytes: 1 }] }, /without bodyBytes/],
  [{ ...HTTP2, requests: [{ ...UNARY, answerBytes: 1 }] }, /answerBytes/],
  [
    { ...HTTP2, requests: [{ ...UNARY, grpc: { messageBytes: -1, messages: 1 } }] },
    /messageBytes -1/,
  ],
  [{ ...HTTP2, requests: [{ ...UNARY, grpc: { messageBytes: 1, messages: 0 } }] }, /messages 0/],
];

test('planProblem finds nothing wrong with a good plan', () => {
  assert.equal(planProblem({ ...GOOD, ...HTTP2, requests: [UNARY, UNARY] }), undefined);
  assert.equal(planProblem({ ...GOOD, ...HTTP2, requests: [STREAM] }), undefined);
  assert.equal(planProblem(GOOD), undefined);
  assert.equal(
    planProblem({ ...GOOD, protocol: 'http2', streamsPerConnection: 100, connections: 10_000 }),
    undefined,
  );
});

for (const [change, problem] of BAD) {
  test(`planProblem names what is wrong with ${JSON.stringify(change)}`, () => {
    assert.match(planProblem({ ...GOOD, ...change }) ?? '', problem);
  });
}
