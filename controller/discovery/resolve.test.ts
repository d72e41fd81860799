import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { resolveTarget } from './resolve.ts';

const YAML = `
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo}, spec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, 'fd00::a'], ports: [{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: other}, spec: {clusterIP: 10.96.0.2, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db, namespace: demo}, spec: {clusterIP: None}}
---
{apiVersion: v1, kind: Service, metadata: {name: out, namespace: demo}, spec: {type: ExternalName, externalName: example.com}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo}, status: {podIP: 10.0.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-0, namespace: demo}, status: {podIP: 10.0.0.1, phase: Failed}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-2, namespace: demo}, status: {podIP: 10.0.0.2, podIPs: [{ip: 10.0.0.2}, {ip: 'fd00::2'}], phase: Running}}
---
{apiVersion: v1, kind: Service, metadata: {name: given, namespace: demo}, spec: {ports: [{port: 80}]}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.9}, spec: {parentRef: {resource: services, namespace: demo, name: given}}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 'fd00::9'}, spec: {parentRef: {resource: services, namespace: demo, name: given}}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.10}, spec: {parentRef: {resource: services, namespace: demo, name: db}}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.11}, spec: {parentRef: {resource: services, namespace: demo, name: out}}}
---
{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: 10.96.0.12}, spec: {parentRef: {resource: services, namespace: demo, name: gone}}}
---
{apiVersion: v1, kind: Service, metadata: {name: node, namespace: demo}, spec: {selector: {app: agent}, ports: [{port: 90, targetPort: 9090}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: demo, labels: {app: agent}}, spec: {hostNetwork: true}, status: {podIP: 192.168.0.1, phase: Running}}
---
{apiVersion: v1, kind: Pod, metadata: {name: exporter, namespace: demo}, spec: {hostNetwork: true, containers: [{ports: [{containerPort: 9100}, {containerPort: 9200}]}]}, status: {podIP: 192.168.0.1, phase: Running}}
---
{apiVersion: v1, kind: Pod, metadata: {name: old, namespace: demo, deletionTimestamp: 2026-01-01T00:00:00Z}, spec: {hostNetwork: true, containers: [{ports: [{containerPort: 9100}]}]}, status: {podIP: 192.168.0.1, phase: Running}}
---
{apiVersion: v1, kind: Pod, metadata: {name: rival, namespace: demo}, spec: {hostNetwork: true, containers: [{ports: [{containerPort: 9200}]}]}, status: {podIP: 192.168.0.1, phase: Running}}
---
{apiVersion: v1, kind: Service, metadata: {name: legacy, namespace: demo}, spec: {clusterIP: 10.96.0.20, ports: [{port: 5432}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: legacy, namespace: demo, labels: {kubernetes.io/service-name: legacy}}, addressType: IPv4, ports: [{port: 5000}], endpoints: [{addresses: [172.16.0.1]}]}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: legacy6, namespace: demo, labels: {kubernetes.io/service-name: legacy}}, addressType: IPv6, ports: [{port: 5000}], endpoints: [{addresses: ['fd00:1::1']}]}
`;

const content = readFileContent('mesh.yaml', YAML, new Map());
assert.deepEqual(content.problems, []);
const mesh = buildMesh(1, [...content.resources.values()]);

function resolve(originalDst: string, authority: string, port: number, namespace = 'demo'): string {
  const resolution = resolveTarget(mesh, { originalDst, authority, port }, namespace);
  switch (resolution.kind) {
    case 'service':
      return `${resolution.service.namespace}/${resolution.service.name}:${resolution.port.port}`;
    case 'pod':
      return `pod ${resolution.pod.namespace}/${resolution.pod.name} ${resolution.address}:${resolution.port}`;
    case 'address':
      return `address ${resolution.address}:${resolution.port}`;
    default:
      return resolution.reason;
  }
}

test('resolveTarget finds a service by every form of its name', () => {
  const cases: [string, number, string][] = [
    ['web', 80, 'demo/web:80'],
    ['WEB', 80, 'demo/web:80'],
    ['web.demo', 81, 'demo/web:81'],
    ['web.other', 80, 'other/web:80'],
    ['web.other.svc', 80, 'other/web:80'],
    ['web.demo.svc.cluster.local', 80, 'demo/web:80'],
    ['Web.Demo.Svc.Cluster.Local.', 80, 'demo/web:80'],
    ['db.demo', 5432, 'demo/db:5432'],
    ['10.96.0.2', 80, 'other/web:80'],
    ['[fd00::a]', 80, 'demo/web:80'],
  ];
  for (const [authority, port, expected] of cases) {
    assert.equal(resolve('', authority, port), expected, authority);
  }
  assert.equal(resolve('', 'web', 80, 'other'), 'other/web:80', 'in the namespace of the proxy');
});

test('resolveTarget lets the original destination select, whatever the authority says', () => {
  const cases: [string, string][] = [
    ['10.96.0.1:80', 'demo/web:80'],
    ['[fd00:0:0::a]:81', 'demo/web:81'],
    ['10.0.0.1:9999', 'pod demo/web-1 10.0.0.1:9999'],
    ['web.demo.svc.cluster.local:80', 'demo/web:80'],
    ['10.9.9.9:80', 'no Service and no Pod has the address 10.9.9.9'],
    ['[::ffff:10.96.0.1]:80', 'demo/web:80'],
    ['[fd00::2]:80', 'pod demo/web-2 fd00::2:80'],
  ];
  for (const [originalDst, expected] of cases) {
    assert.equal(resolve(originalDst, 'web.other', 80), expected, originalDst);
  }
});

test('resolveTarget knows addresses that were given to Services that say none themselves', () => {
  const cases: [string, string][] = [
    ['10.96.0.9:80', 'demo/given:80'],
    ['[fd00::9]:80', 'demo/given:80'],
    ['10.96.0.9:81', 'Service "given" in namespace "demo" has no port 81, it has 80'],
    // A headless Service, one that is another name, and one that is not there.
    ['10.96.0.10:80', 'no Service and no Pod has the address 10.96.0.10'],
    ['10.96.0.11:80', 'no Service and no Pod has the address 10.96.0.11'],
    ['10.96.0.12:80', 'no Service and no Pod has the address 10.96.0.12'],
  ];
  for (const [originalDst, expected] of cases) {
    assert.equal(resolve(originalDst, '', 0), expected, originalDst);
  }
});

const nobody = (port: number): string =>
  `192.168.0.1 is a node's address, and no single Pod there has port ${port}`;

test('resolveTarget tells pods on the address of a node by the port, or not at all', () => {
  const cases: [string, string][] = [
    ['192.168.0.1:9090', 'pod demo/agent 192.168.0.1:9090'],
    ['192.168.0.1:9100', 'pod demo/exporter 192.168.0.1:9100'],
    ['192.168.0.1:9200', nobody(9200)],
    ['192.168.0.1:22', nobody(22)],
  ];
  for (const [originalDst, expected] of cases) {
    assert.equal(resolve(originalDst, '', 0), expected, originalDst);
  }
});

test('resolveTarget knows addresses without a pod by the slices that name them', () => {
  const cases: [string, string][] = [
    ['172.16.0.1:5000', 'address 172.16.0.1:5000'],
    ['[fd00:1::1]:5000', 'address fd00:1::1:5000'],
    ['172.16.0.1:5001', 'no Service and no Pod has the address 172.16.0.1'],
  ];
  for (const [originalDst, expected] of cases) {
    assert.equal(resolve(originalDst, '', 0), expected, originalDst);
  }
});

test('resolveTarget says why there is no such service', () => {
  const cases: [string, string, number, string][] = [
    ['', 'web', 82, 'Service "web" in namespace "demo" has no port 82, it has 80, 81'],
    ['10.96.0.1:82', '', 0, 'Service "web" in namespace "demo" has no port 82, it has 80, 81'],
    ['', 'api', 80, 'no Service "api" in namespace "demo"'],
    ['', 'example.com', 80, 'no Service "example" in namespace "com"'],
    ['', 'a.b.example.com', 80, '"a.b.example.com" is not the name of a Service'],
    ['', 'web.svc', 80, '"web.svc" is not the name of a Service'],
    ['', 'out', 80, 'Service "out" in namespace "demo" is another name for "example.com"'],
    ['', '', 80, 'the target names neither an address nor an authority'],
    ['', 'web', 0, '0 is not a port'],
    ['', 'web', 70_000, '70000 is not a port'],
    ['nonsense', 'web', 80, 'original destination "nonsense" is not ADDRESS:PORT'],
    ['', 'a'.repeat(300), 80, 'the authority is 300 characters long, a name has at most 253'],
    ['', '..', 80, '".." is not the name of a Service'],
    ['', '.demo', 80, '".demo" is not the name of a Service'],
    ['', 'web\u0000\n', 80, 'no Service "web\u0000\n" in namespace "demo"'],
    ['', '__proto__', 80, 'no Service "__proto__" in namespace "demo"'],
  ];
  for (const [originalDst, authority, port, expected] of cases) {
    assert.equal(resolve(originalDst, authority, port), expected, `${originalDst} ${authority}`);
  }
});
