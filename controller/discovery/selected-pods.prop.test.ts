import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pod, Service } from '../resources/resource.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { podsOfService } from './selected-pods.ts';

const DOCUMENTS = [
  '{apiVersion: v1, kind: Pod, metadata: {name: p}}',
  '{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}',
].join('\n---\n');

const [onePod, oneService] = readFileContent('mesh.yaml', DOCUMENTS, new Map()).resources.values();
assert.ok(onePod?.kind === 'Pod' && oneService?.kind === 'Service');

/** Few of each, so that they often meet; one that looks like two. */
const label = fc.constantFrom('app', 'tier', 'app\na');
const labels = fc.dictionary(label, fc.constantFrom('a', 'b', 'a\na'), { maxKeys: 3 });
const namespace = fc.constantFrom('demo', 'other');

const pods = fc.array(fc.record({ namespace, labels }), { maxLength: 12 }).map((all) =>
  all.map((one, i): Pod => ({
    ...onePod,
    name: `p${i}`,
    namespace: one.namespace,
    labels: new Map(Object.entries(one.labels)),
  })),
);

test('podsOfService finds a pod once whose labels look like one', () => {
  const labels = new Map([
    ['app', 'a\na'],
    ['app\na', 'a'],
  ]);
  const pod = { ...onePod, labels };
  const service = { ...oneService, selector: labels };
  assert.deepEqual(podsOfService(buildMesh(1, [pod]), service), [pod]);
});

test('podsOfService finds those that have all labels of the selector, in order, and no others', () => {
  fc.assert(
    fc.property(pods, fc.array(labels, { minLength: 1 }), namespace, (all, selectors, place) => {
      const mesh = buildMesh(1, all);
      for (const wanted of selectors) {
        const selector = new Map(Object.entries(wanted));
        const service: Service = { ...oneService, namespace: place, selector };
        const named = all.filter(
          (pod) =>
            selector.size > 0 &&
            pod.namespace === place &&
            [...selector].every(([key, value]) => pod.labels.get(key) === value),
        );
        assert.deepEqual(podsOfService(mesh, service), named);
      }
    }),
    { numRuns: 500 },
  );
});
