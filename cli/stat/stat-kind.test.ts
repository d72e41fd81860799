import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_USAGE } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import { parseResource, resourceRef } from './stat-kind.ts';

const read = (text: string, name?: string): string => {
  const resource = parseResource(text, name);
  return `${resource.kind.name}:${resource.name}`;
};

test('resource type is taken under every name that kubectl has for it', () => {
  for (const type of ['deploy', 'deployment', 'deployments', 'Deploy']) {
    assert.equal(read(type), 'deployment:', type);
  }
  for (const type of ['au', 'authority', 'authorities']) assert.equal(read(type), 'authority:');
  const types = ['po', 'pods', 'ns', 'namespaces', 'svc', 'services', 'route', 'routes'];
  assert.deepEqual(
    types.map((type) => read(type)),
    ['pod:', 'pod:', 'namespace:', 'namespace:', 'service:', 'service:', 'route:', 'route:'],
  );
});

test('resource name follows a slash or a blank', () => {
  assert.equal(read('deploy/web'), 'deployment:web');
  assert.equal(read('deploy', 'web'), 'deployment:web');
  assert.equal(read('route/GET /parcels/{id}'), 'route:GET /parcels/{id}');
});

test('resource that is none is a usage failure', () => {
  for (const [text, name] of [['cronjob'], ['deploy/'], ['deploy/web', 'web'], ['']] as const) {
    assert.throws(
      () => parseResource(text, name),
      (error) => error instanceof Failure && error.exitCode === EXIT_USAGE,
      text,
    );
  }
});

test('namespace as a resource has no namespace of its own', () => {
  assert.equal(resourceRef(parseResource('ns/demo', undefined), 'default').namespace, '');
  assert.equal(resourceRef(parseResource('po', undefined), 'default').namespace, 'default');
});
