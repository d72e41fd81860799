import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifests } from '../manifest.ts';
import { planPods } from '../pod-plan.ts';
import type { PodPlan } from '../pod-plan.ts';
import { interceptionOf, waysPastSidecar } from './interception.ts';
import { parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { assignClusterIps, namespaceAddresses } from './namespace-addresses.ts';

const demo = readManifests([
  fileURLToPath(new URL('../../../examples/demo/demo.yaml', import.meta.url)),
]);
const ranges = {
  pods: parseIpRange('10.199.0.0/16') as IpRange,
  services: parseIpRange('10.198.0.0/16') as IpRange,
};
const space = namespaceAddresses(ranges, assignClusterIps(demo.services, ranges.services));

/** A pod of the demo whose Deployment has these annotations besides. */
function podWith(name: string, more: Readonly<Record<string, string>>, meshed = true): PodPlan {
  const deployments = demo.deployments.map((deployment) => ({
    ...deployment,
    ...(deployment.name === name
      ? { meshed, annotations: { ...deployment.annotations, ...more } }
      : {}),
  }));
  const pod = planPods({ ...demo, deployments }, space).find((one) => one.name === `${name}-1`);
  assert.ok(pod !== undefined);
  return pod;
}

const SKIP_INBOUND = 'config.culvert.dev/skip-inbound-ports';
const SKIP_OUTBOUND = 'config.culvert.dev/skip-outbound-ports';

test('everything of a pod is intercepted but what its annotations say, names of its ports too', () => {
  const plain = interceptionOf(podWith('web', {})).options;
  assert.deepEqual([plain.skipInboundPorts, plain.skipOutboundPorts], [[], []]);
  const { options } = interceptionOf(
    podWith('web', { [SKIP_INBOUND]: '9000-9010, http', [SKIP_OUTBOUND]: '25' }),
  );
  assert.deepEqual(options.skipInboundPorts, [
    { first: 9_000, last: 9_010 },
    { first: 7_080, last: 7_080 },
  ]);
  assert.deepEqual(options.skipOutboundPorts, [{ first: 25, last: 25 }]);
  assert.equal(options.proxyUid, 2_102);
});

const past = (pod: PodPlan): readonly string[] =>
  waysPastSidecar(pod).map(({ firstEndpoint, port, service }) => {
    assert.ok(firstEndpoint !== undefined);
    return `${service.name}:${port.port}`;
  });

test('ways past the sidecar are those of skipped ports, and all where there is no sidecar', () => {
  assert.deepEqual(past(podWith('bot', {})), []);
  const skipping = past(podWith('bot', { [SKIP_OUTBOUND]: '80' }));
  assert.ok(skipping.length > 0);
  assert.ok(skipping.every((way) => way.endsWith(':80')));
  const unmeshed = podWith('bot', {}, false);
  assert.equal(past(unmeshed).length, unmeshed.waysOut.length);
});
