import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifests } from '../manifest.ts';
import { planPods } from '../pod-plan.ts';
import type { StandingPod } from '../mesh-place.ts';
import { CLASS_IN, RCODE, TYPE_A, TYPE_ANY } from './dns-message.ts';
import type { Reply } from './dns-message.ts';
import { parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { assignClusterIps, namespaceAddresses } from './namespace-addresses.ts';
import { ServiceNames } from './service-names.ts';

const demo = readManifests([
  fileURLToPath(new URL('../../../examples/demo/demo.yaml', import.meta.url)),
]);
const services = demo.services.map((service) =>
  service.name === 'parcels' ? { ...service, clusterIp: 'None' } : service,
);
const range = (text: string): IpRange => parseIpRange(text) as IpRange;
const ranges = { pods: range('10.199.0.0/16'), services: range('10.198.0.0/16') };
const clusterIps = assignClusterIps(services, ranges.services);
const plans = planPods({ ...demo, services }, namespaceAddresses(ranges, clusterIps));

let pods: readonly StandingPod[] = [];
const names = new ServiceNames(services, clusterIps, () => pods);

const TYPE_AAAA = 28;
const CLASS_CHAOS = 3;

const ask = (name: string, type = TYPE_A, asked = CLASS_IN): Reply =>
  names.answer({
    id: 1,
    recursionDesired: true,
    name,
    type,
    class: asked,
    bytes: new Uint8Array(0),
  });

test('service is at its own address, whichever pods there are', () => {
  const web = { rcode: RCODE.ok, addresses: ['10.198.0.1'] };
  assert.deepEqual(ask('web.demo.svc.cluster.local'), web);
  assert.deepEqual(ask('web.demo.svc.cluster.local', TYPE_ANY), web);
});

test('headless service is at the pods that are ready now', () => {
  const name = 'parcels.demo.svc.cluster.local';
  assert.deepEqual(ask(name), { rcode: RCODE.ok, addresses: [] });
  pods = plans.map((plan) => ({ plan, ready: plan.name !== 'parcels-1' }));
  assert.deepEqual(ask(name).addresses, ['10.199.0.4']);
  pods = plans.map((plan) => ({ plan, ready: true }));
  assert.deepEqual(ask(name).addresses, ['10.199.0.3', '10.199.0.4']);
});

test('name that is there has no address of other types and classes', () => {
  const none = { rcode: RCODE.ok, addresses: [] };
  assert.deepEqual(ask('web.demo.svc.cluster.local', TYPE_AAAA), none);
  assert.deepEqual(ask('web.demo.svc.cluster.local', TYPE_A, CLASS_CHAOS), none);
  for (const parent of ['cluster.local', 'svc.cluster.local', 'demo.svc.cluster.local']) {
    assert.deepEqual(ask(parent), none, parent);
  }
});

test('names that are not there, or not of the cluster, do not exist', () => {
  for (const name of ['', 'web', 'web.demo', 'nobody.demo.svc.cluster.local', 'example.com']) {
    assert.equal(ask(name).rcode, RCODE.noSuchName, name);
  }
});
