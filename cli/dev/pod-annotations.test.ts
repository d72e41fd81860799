import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishedAnnotations } from './pod-annotations.ts';
import type { PodPlan } from './pod-plan.ts';

const OPAQUE = 'config.culvert.dev/opaque-ports';
const SKIP_INBOUND = 'config.culvert.dev/skip-inbound-ports';
const SKIP_OUTBOUND = 'config.culvert.dev/skip-outbound-ports';

const annotations = {
  [OPAQUE]: '3000-3999,25,web',
  [SKIP_INBOUND]: '80',
  [SKIP_OUTBOUND]: '3306',
  other: '3306',
};

/** A pod whose container ports are found at others, or at themselves. */
function published(numbers: readonly (readonly [containerPort: number, inbound: number])[]) {
  const ports = numbers.map(([containerPort, inbound]) => ({
    name: undefined,
    containerPort,
    inbound: { host: '127.0.0.1', port: inbound },
    application: { host: '127.0.0.1', port: 1 },
  }));
  const deployment = { annotations } as unknown as PodPlan['deployment'];
  return publishedAnnotations({ deployment, ports });
}

test('annotations of a pod at its own ports are published as they are', () => {
  assert.equal(
    published([
      [3306, 3306],
      [80, 80],
    ]),
    annotations,
  );
});

test('annotations of a pod at other ports speak of those', () => {
  assert.deepEqual(
    published([
      [3306, 20_001],
      [3307, 20_002],
      [80, 20_003],
    ]),
    {
      [OPAQUE]: '20001,20002,web',
      [SKIP_INBOUND]: '20003',
      [SKIP_OUTBOUND]: '3306',
      other: '3306',
    },
  );
});
