import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '../manifest.ts';
import { addressResources } from './address-resources.ts';

const service = (name: string, clusterIp: string | undefined): ServiceSpec => ({
  namespace: 'demo',
  name,
  selector: {},
  ports: [],
  clusterIp,
});

test('addresses that dev gave are recorded, those that services say or do without are not', () => {
  const services = [
    service('own', '192.0.2.7'),
    service('given', undefined),
    service('no', 'None'),
  ];
  assert.deepEqual(addressResources(services, ['192.0.2.7', '10.198.0.1', undefined]), [
    {
      file: 'ipaddress.10.198.0.1',
      resource: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IPAddress',
        metadata: { name: '10.198.0.1' },
        spec: {
          parentRef: { group: '', resource: 'services', namespace: 'demo', name: 'given' },
        },
      },
    },
  ]);
});
