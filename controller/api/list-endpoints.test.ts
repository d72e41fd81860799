import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { listEndpoints } from './list-endpoints.ts';

const CONTENT = `
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo}, spec: {selector: {app: web}, ports: [{name: http2, port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: two, namespace: demo}, spec: {selector: {app: none}, ports: [{name: a, port: 80}, {name: b, port: 81}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo, labels: {app: web, culvert.dev/control-plane-ns: c}, ownerReferences: [{kind: Deployment, name: web}]}, status: {podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-2, namespace: demo, labels: {app: web}, deletionTimestamp: 2026-01-01T00:00:00Z}, status: {podIP: 10.0.0.2, phase: Running, conditions: [{type: Ready, status: 'True'}]}}
`;
const content = readFileContent('mesh.yaml', CONTENT, new Map());
assert.deepEqual(content.problems, []);
const mesh = buildMesh(1, [...content.resources.values()]);

const ask = (authority: string, namespace = 'demo') =>
  listEndpoints({ authority, namespace }, mesh);

test('listEndpoints tells of each endpoint what proxies are told', () => {
  assert.deepEqual(ask('web.demo.svc.cluster.local:80'), {
    authority: 'web.demo.svc.cluster.local:80',
    service: 'web',
    namespace: 'demo',
    port: 80,
    endpoints: [
      {
        address: '10.0.0.1:8080',
        ready: true,
        terminating: false,
        meshed: true,
        protocol: 'http2',
        namespace: 'demo',
        pod: 'web-1',
        workloadKind: 'deployment',
        workload: 'web',
        zone: '',
      },
      {
        address: '10.0.0.2:8080',
        ready: false,
        terminating: true,
        meshed: false,
        protocol: 'http2',
        namespace: 'demo',
        pod: 'web-2',
        workloadKind: 'pod',
        workload: 'web-2',
        zone: '',
      },
    ],
  });
});

test('listEndpoints takes a service without its port where it has one, and short names', () => {
  for (const authority of ['web', 'web.demo', 'web:80', 'web.demo.svc.cluster.local']) {
    const answer = ask(authority);
    assert.ok('endpoints' in answer && answer.endpoints.length === 2, authority);
  }
  assert.ok('endpoints' in ask('web.demo', 'other'));
  assert.deepEqual(ask('two'), { invalid: 'say a port of two, as two:80' });
  assert.deepEqual(ask('10.0.0.1'), { invalid: 'say a port of 10.0.0.1, as 10.0.0.1:80' });
});

test('listEndpoints takes the address of a pod', () => {
  const answer = ask('10.0.0.1:9000');
  assert.ok('endpoints' in answer);
  assert.deepEqual(
    [answer.service, answer.endpoints.map(({ address }) => address)],
    ['', ['10.0.0.1:9000']],
  );
});

test("listEndpoints says of an address that is nobody's what becomes of connections", () => {
  assert.deepEqual(ask('203.0.113.1:80'), {
    missing:
      'no Service and no Pod has the address 203.0.113.1: connections go on to it as they are',
  });
});

test('listEndpoints says why a name is none', () => {
  assert.deepEqual(ask('nosuch:80'), {
    missing: 'no Service "nosuch" in namespace "demo"',
  });
  assert.deepEqual(ask('nosuch'), ask('nosuch:80'), 'without a port as with one');
  assert.deepEqual(ask('10.9.9.9'), ask('10.9.9.9:80'), 'an address as well');
  assert.deepEqual(ask('web:81'), {
    missing: 'Service "web" in namespace "demo" has no port 81, it has 80',
  });
  for (const authority of ['', 'web:x', 'a b', 'web:80/', 'web:123456']) {
    assert.ok('invalid' in ask(authority), authority);
  }
});
