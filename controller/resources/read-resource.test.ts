import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse } from 'yaml';

import { formatPath } from './fields.ts';
import { readResource } from './read-resource.ts';
import type { Pod, Resource } from './resource.ts';

const read = (yaml: string) => readResource(parse(yaml), []);

function resource(yaml: string): Resource {
  const result = read(yaml);
  assert.equal(result.outcome, 'resource', JSON.stringify(result));
  return result.outcome === 'resource' ? result.resource : assert.fail();
}

function problems(yaml: string): string[] {
  const result = read(yaml);
  if (result.outcome !== 'refused') return [];
  return result.problems.map(({ path, reason }) => `${formatPath(path)}: ${reason}`);
}

const pod = (metadata: string, rest = ''): Pod =>
  resource(`{apiVersion: v1, kind: Pod, metadata: {name: web-1, ${metadata}}, ${rest}}`) as Pod;

const owner = (kind: string, name: string): string =>
  `ownerReferences: [{kind: ${kind}, name: ${name}}]`;

test('readResource: a pod belongs to the Deployment behind its ReplicaSet', () => {
  const cases: [string, string, string][] = [
    [owner('Deployment', 'web'), 'deployment', 'web'],
    [owner('ReplicaSet', 'web-6f9c7d8b5'), 'deployment', 'web'],
    [`labels: {pod-template-hash: abc}, ${owner('ReplicaSet', 'web-abc')}`, 'deployment', 'web'],
    [owner('ReplicaSet', 'by-hand'), 'replicaset', 'by-hand'],
    [owner('StatefulSet', 'db'), 'statefulset', 'db'],
    ['labels: {}', 'pod', 'web-1'],
    [
      'ownerReferences: [{kind: Node, name: n}, {kind: Job, name: j, controller: true}]',
      'job',
      'j',
    ],
  ];
  for (const [metadata, workloadKind, workload] of cases) {
    const read = pod(metadata);
    assert.deepEqual([read.workloadKind, read.workload], [workloadKind, workload], metadata);
  }
});

test('readResource: a pod says its addresses, ports, readiness and end', () => {
  const read = pod(
    'namespace: demo, labels: {culvert.dev/control-plane-ns: culvert}, deletionTimestamp: 2026-01-01T00:00:00Z',
    `spec: {containers: [{ports: [{name: http, containerPort: 80}, {containerPort: 53, protocol: UDP}]}]},
     status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'FD00:0::1'}], conditions: [{type: Ready, status: 'True'}]}`,
  );
  assert.deepEqual(read.addresses, ['10.0.0.1', 'fd00::1']);
  assert.deepEqual(read.ports, [{ name: 'http', port: 80 }]);
  assert.deepEqual(
    [read.namespace, read.ready, read.terminating, read.meshed, read.phase],
    ['demo', true, true, true, 'running'],
  );
  const fresh = pod('labels: {}', "status: {podIP: '', phase: Pending}");
  assert.deepEqual(
    [fresh.namespace, fresh.addresses, fresh.ready, fresh.meshed, fresh.phase],
    ['default', [], false, false, 'pending'],
  );
});

test('readResource names the field and says what it must be', () => {
  const cases: [string, string[]][] = [
    ['[1]', [': must be a Kubernetes object, is [1]']],
    ['{kind: Pod}', ['apiVersion: is missing, must be text']],
    [
      '{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: web}}',
      ['apiVersion: must be apps/v1, is "apps/v1beta1"'],
    ],
    [
      '{apiVersion: v1, kind: Pod, metadata: {name: Web}}',
      ['metadata.name: must be a DNS name of lower-case letters, digits, "-" and ".", is "Web"'],
    ],
    [
      '{apiVersion: v1, kind: Service, metadata: {name: web}}',
      ['spec: is missing, must be an object'],
    ],
    [
      '{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: 1}, ports: [{port: 70000}, {name: b, port: 1}]}}',
      [
        'spec.ports[0].port: must be an integer 1 to 65535, is 70000',
        'spec.ports[0].name: is missing, must be a DNS label of at most 63 lower-case letters, digits and "-"',
        'spec.selector.app: must be text (quote it), is 1',
      ],
    ],
    [
      '{apiVersion: v1, kind: Service, metadata: {name: web, annotations: {config.culvert.dev/http1-transport: h2}}, spec: {}}',
      ['metadata.annotations.config.culvert.dev/http1-transport: must be http1 or http2, is "h2"'],
    ],
    [
      '{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web}, addressType: IPv4, endpoints: [{addresses: [nowhere]}]}',
      ['endpoints[0].addresses: must hold IP addresses, holds "nowhere"'],
    ],
    [
      '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web}, spec: {rules: [{matches: [{path: {type: RegularExpression, value: "["}, method: get}]}]}}',
      [
        'spec.rules[0].matches[0].method: must be an HTTP method in capitals, is "get"',
        'spec.rules[0].matches[0].path.value: must be a regular expression, is "["',
      ],
    ],
    [
      "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web}, spec: {rules: [{matches: [{path: {type: RegularExpression, value: 'a)|(b'}}, {path: {type: RegularExpression, value: '/\\p{Lu}'}}]}]}}",
      ['spec.rules[0].matches[0].path.value: must be a regular expression, is "a)|(b"'],
    ],
  ];
  for (const [yaml, expected] of cases) {
    assert.deepEqual(problems(yaml).toSorted(), expected.toSorted(), yaml);
  }
});

test('readResource leaves kinds alone that the mesh has no use for', () => {
  for (const kind of [
    'v1, kind: ConfigMap',
    'v1, kind: Namespace',
    'serving.knative.dev/v1, kind: Service',
  ]) {
    assert.deepEqual(read(`{apiVersion: ${kind}, metadata: {name: x}}`), { outcome: 'ignored' });
  }
});
