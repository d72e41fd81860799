import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { routesOf } from './routes.ts';

const SERVICE =
  '{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo}, spec: {ports: [{port: 80}]}}';

const route = (
  name: string,
  rules: string,
  rest: { metadata?: string; parent?: string } = {},
): string =>
  `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: ${name}, namespace: demo${rest.metadata ?? ''}},
    spec: {hostnames: [web.example.com], parentRefs: [{kind: Service, group: '', name: web${rest.parent ?? ''}}], rules: [${rules}]}}`;

function names(documents: string[], namespace = 'demo', port = 80): string[] {
  const content = readFileContent('mesh.yaml', [SERVICE, ...documents].join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  const mesh = buildMesh(1, [...content.resources.values()]);
  const service = mesh.services.get('demo/web') ?? assert.fail('no service');
  return routesOf(mesh, service, port, namespace).map(
    ({ name, matches }) => `${name}/${matches.length}`,
  );
}

test('routesOf puts the more specific match first, each match of a rule in its own place', () => {
  const rules = [
    '{name: all}',
    '{name: both, matches: [{path: {value: /a}}, {path: {type: Exact, value: /a/b}}]}',
    "{name: query, matches: [{path: {value: /a}, queryParams: [{name: q, value: '1'}]}]}",
    "{name: header, matches: [{path: {value: /a}, headers: [{name: X-A, value: '1'}]}]}",
    '{name: method, matches: [{path: {value: /a}, method: GET}]}',
    '{name: longer, matches: [{path: {value: /a/b/c}}]}',
    "{name: pattern, matches: [{path: {type: RegularExpression, value: '/a/[0-9]+'}}]}",
    '{matches: [{path: {type: Exact, value: /a/b/c}}]}',
  ];
  assert.deepEqual(names([route('r', rules.join(', '))]), [
    '/1',
    'both/1',
    'pattern/1',
    'longer/1',
    'method/1',
    'header/1',
    'query/1',
    'both/1',
    'all/0',
  ]);
});

const ruleOfA = (name: string): string => `{name: ${name}, matches: [{path: {value: /a}}]}`;

test('routesOf gives ties to the older route, then to the first by name', () => {
  assert.deepEqual(
    names([
      route('b', ruleOfA('from-b')),
      route('a', ruleOfA('from-a')),
      route('z', ruleOfA('old'), { metadata: ", creationTimestamp: '2020-01-01T00:00:00Z'" }),
    ]),
    ['old/1', 'from-a/1', 'from-b/1'],
  );
});

test('routesOf attaches by port and by the namespace of client or service', () => {
  const documents = [
    route('ours', '{name: ours}'),
    route('port', '{name: port}', { parent: ', port: 81' }),
    route('theirs', '{name: theirs}', {
      metadata: ', namespace: client',
      parent: ', namespace: demo',
    }).replace('namespace: demo, namespace: client', 'namespace: client'),
    '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: gate, namespace: demo}, spec: {parentRefs: [{name: web}], rules: [{name: gate}]}}',
  ];
  assert.deepEqual(names(documents), ['ours/0']);
  assert.deepEqual(names(documents, 'demo', 81), ['ours/0', 'port/0']);
  assert.deepEqual(names(documents, 'client'), ['theirs/0']);
  assert.deepEqual(names(documents, 'elsewhere'), ['ours/0']);
});
