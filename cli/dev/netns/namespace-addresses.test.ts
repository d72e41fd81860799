import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Failure } from '../../failure.ts';
import { applicationEnvironment } from '../environment.ts';
import { readManifests } from '../manifest.ts';
import type { Manifest, ServiceSpec } from '../manifest.ts';
import { planPods } from '../pod-plan.ts';
import { formatIpRange, parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { assignClusterIps, namespaceAddresses, serviceNetworks } from './namespace-addresses.ts';

const demo = readManifests([
  fileURLToPath(new URL('../../../examples/demo/demo.yaml', import.meta.url)),
]);
const range = (text: string): IpRange => parseIpRange(text) as IpRange;
const RANGES = { pods: range('10.199.0.0/16'), services: range('10.198.0.0/16') };

const plan = (manifest: Manifest) =>
  planPods(
    manifest,
    namespaceAddresses(RANGES, assignClusterIps(manifest.services, RANGES.services)),
  );

const service = (name: string, clusterIp: string | undefined): ServiceSpec => ({
  namespace: 'demo',
  name,
  selector: {},
  ports: [],
  clusterIp,
});

test('pod listens at its container ports, and its sidecar has no address of its own', () => {
  const [web] = plan(demo);
  assert.equal(web?.address, '10.199.0.2');
  assert.deepEqual(web?.ports, [
    {
      name: 'http',
      containerPort: 7080,
      inbound: { host: '10.199.0.2', port: 7080 },
      application: { host: '10.199.0.2', port: 7080 },
    },
  ]);
  assert.deepEqual(web?.admin, { host: '10.199.0.2', port: 4191 });
});

test('every pod finds a service at the same address and at its own port, as in Kubernetes', () => {
  const environments = plan(demo).map(applicationEnvironment);
  assert.ok(environments.length > 1);
  for (const environment of environments) {
    assert.equal(environment['WEB_SERVICE_HOST'], '10.198.0.1');
    assert.equal(environment['WEB_SERVICE_PORT'], '80');
    assert.equal(environment['PARCELS_SERVICE_HOST'], '10.198.0.2');
    assert.equal(environment['PARCELS_SERVICE_PORT'], '7081');
  }
});

test('headless service has no address and no variables', () => {
  const [web, ...others] = demo.services;
  assert.ok(web);
  const manifest = { ...demo, services: [{ ...web, clusterIp: 'None' }, ...others] };
  for (const pod of plan(manifest)) {
    const environment = applicationEnvironment(pod);
    assert.equal(environment['WEB_SERVICE_HOST'], undefined);
    assert.equal(environment['PARCELS_SERVICE_HOST'], '10.198.0.1');
  }
});

test('pod cannot listen where its sidecar does', () => {
  for (const port of [4140, 4143, 4191]) {
    const [first, ...others] = demo.deployments;
    assert.ok(first);
    const container = { ...first.container, ports: [{ name: undefined, port }] };
    const manifest = { ...demo, deployments: [{ ...first, container }, ...others] };
    assert.throws(
      () => plan(manifest),
      (error) =>
        error instanceof Failure && error.message.includes(`port ${port} is its sidecar's`),
    );
  }
});

test('addresses that services have are theirs, and given to no other', () => {
  const services = [
    service('a', undefined),
    service('b', '10.198.0.1'),
    service('c', '192.0.2.7'),
    service('d', 'None'),
    service('e', undefined),
  ];
  assert.deepEqual(assignClusterIps(services, RANGES.services), [
    '10.198.0.2',
    '10.198.0.1',
    '192.0.2.7',
    undefined,
    '10.198.0.3',
  ]);
});

test('services that the range has no room for, or of IPv6, are refused in a sentence', () => {
  const many = Array.from({ length: 7 }, (_, i) => service(`s${i}`, undefined));
  assert.equal(assignClusterIps(many.slice(1), range('10.198.0.0/29')).at(-1), '10.198.0.6');
  assert.throws(
    () => assignClusterIps(many, range('10.198.0.0/29')),
    (error) => error instanceof Failure && /7 services, .*10\.198\.0\.0\/29/.test(error.message),
  );
  assert.throws(
    () => assignClusterIps([service('six', 'fd00::1')], RANGES.services),
    (error) => error instanceof Failure && /demo\/six .*IPv4 only/.test(error.message),
  );
});

test('services are in their range, and at addresses of their own outside of it', () => {
  const clusterIps = ['10.198.0.1', undefined, '10.96.0.7', '10.96.0.7', '10.199.0.9'];
  assert.deepEqual(serviceNetworks(RANGES, clusterIps).map(formatIpRange), [
    '10.198.0.0/16',
    '10.96.0.7/32',
  ]);
});
