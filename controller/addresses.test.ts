import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFileContent } from './sources/documents.ts';
import { buildMesh } from './state.ts';
import type { Mesh } from './state.ts';

function meshOf(...documents: readonly string[]): Mesh {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  return buildMesh(1, [...content.resources.values()]);
}

const service = (name: string, spec: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo}, spec: {${spec}}}`;

const given = (address: string, name: string): string =>
  `{apiVersion: networking.k8s.io/v1, kind: IPAddress, metadata: {name: ${address}}, spec: {parentRef: {group: '', resource: services, namespace: demo, name: ${name}}}}`;

const pod = (name: string, address: string, rest = ''): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: demo${rest}}, status: {podIP: ${address}, phase: Running}}`;

/** Whose the address is, "service demo/web" or "pod demo/web-1", and what is wrong with it. */
function holder({ serviceByAddress, podByAddress, addressConflicts }: Mesh, address: string) {
  const found = serviceByAddress.get(address) ?? podByAddress.get(address);
  return [found && `${found.kind} ${found.name}`, ...addressConflicts];
}

test('an address that two Services claim stays with the first, and is told', () => {
  const mesh = meshOf(service('a', 'clusterIP: 10.96.0.1'), service('b', 'clusterIP: 10.96.0.1'));
  assert.deepEqual(holder(mesh, '10.96.0.1'), [
    'Service a',
    '10.96.0.1 is the address of Service demo/a and of Service demo/b: the first has it',
  ]);
});

test('an address in the spec of a Service goes before what was given to another', () => {
  const mesh = meshOf(
    given('10.96.0.1', 'b'),
    service('b', 'ports: []'),
    service('a', 'clusterIP: 10.96.0.1'),
  );
  assert.deepEqual(holder(mesh, '10.96.0.1'), [
    'Service a',
    '10.96.0.1 is the address of Service demo/a and of Service demo/b: the first has it',
  ]);
});

test('an address that a Service says and that was given to it is claimed once', () => {
  const mesh = meshOf(service('a', 'clusterIP: 10.96.0.1'), given('10.96.0.1', 'a'));
  assert.deepEqual(holder(mesh, '10.96.0.1'), ['Service a']);
});

test("an address of a Service and of a pod is the Service's, and is told", () => {
  const mesh = meshOf(service('a', 'clusterIP: 10.0.0.1'), pod('p', '10.0.0.1'));
  assert.deepEqual(holder(mesh, '10.0.0.1'), [
    'Service a',
    '10.0.0.1 is the address of Service demo/a and of Pod demo/p: the Service has it',
  ]);
});

test('an address passes from a pod that ends to the one that stays', () => {
  const leaving = pod('old', '10.0.0.1', ', deletionTimestamp: 2026-01-01T00:00:00Z');
  assert.deepEqual(holder(meshOf(leaving), '10.0.0.1'), ['Pod old']);
  assert.deepEqual(holder(meshOf(leaving, pod('new', '10.0.0.1')), '10.0.0.1'), ['Pod new']);
  assert.deepEqual(holder(meshOf(pod('new', '10.0.0.1'), leaving), '10.0.0.1'), ['Pod new']);
});
