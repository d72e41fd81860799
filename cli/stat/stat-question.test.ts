import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { EXIT_USAGE } from '../../base/settings.ts';
import { Failure } from '../failure.ts';
import { statKindOf } from './stat-kind.ts';
import { statQuestion } from './stat-question.ts';
import type { StatQuestionOptions } from './stat-question.ts';

const defaults: StatQuestionOptions = {
  namespace: 'default',
  allNamespaces: false,
  timeWindow: 60,
  to: undefined,
  toNamespace: undefined,
  from: undefined,
  fromNamespace: undefined,
};
const { RESOURCE_KIND_DEPLOYMENT, RESOURCE_KIND_POD, RESOURCE_KIND_SERVICE } = ResourceKind;

test('stat request carries the resource, its namespace, the window and the other end', () => {
  const options = { ...defaults, namespace: 'demo', timeWindow: 300 };
  const web = { kind: RESOURCE_KIND_DEPLOYMENT, namespace: 'demo', name: 'web' };
  assert.deepEqual(statQuestion('deploy', 'web', { ...options, to: 'svc/rates' }), {
    requests: [
      {
        resource: web,
        windowSeconds: 300,
        to: { kind: RESOURCE_KIND_SERVICE, namespace: 'demo', name: 'rates' },
        from: undefined,
      },
    ],
    allKinds: false,
  });
  const [request] = statQuestion('deploy/web', undefined, { ...options, from: 'po/a' }).requests;
  assert.deepEqual(request?.from, { kind: RESOURCE_KIND_POD, namespace: 'demo', name: 'a' });
});

test('stat -A asks for all namespaces, but for the other end where it has its own', () => {
  const options = { ...defaults, namespace: 'demo', allNamespaces: true, to: 'svc/rates' };
  const [wide] = statQuestion('po', undefined, options).requests;
  assert.deepEqual([wide?.resource?.namespace, wide?.to?.namespace], ['', '']);
  const [own] = statQuestion('po', undefined, { ...options, toNamespace: 'post' }).requests;
  assert.deepEqual([own?.resource?.namespace, own?.to?.namespace], ['', 'post']);
  const from = { ...defaults, from: 'deploy/web', fromNamespace: 'post' };
  assert.equal(statQuestion('svc', undefined, from).requests[0]?.from?.namespace, 'post');
});

const kindsOfAll = (changed: Partial<StatQuestionOptions>): readonly (string | undefined)[] =>
  statQuestion('all', undefined, { ...defaults, ...changed }).requests.map(
    ({ resource }) => resource && statKindOf(resource.kind)?.shortName,
  );

test('stat all asks for every kind, of an edge for those that can be its end', () => {
  assert.deepEqual(kindsOfAll({}), ['deploy', 'po', 'ns', 'svc', 'au', 'route']);
  assert.deepEqual(kindsOfAll({ to: 'svc/a' }), ['deploy', 'po', 'ns']);
  assert.deepEqual(kindsOfAll({ from: 'po/a' }), ['deploy', 'ns', 'svc', 'au', 'route']);
});

test('stat refuses what is no question, in a sentence', () => {
  type Case = readonly [string, string | undefined, Partial<StatQuestionOptions>, RegExp];
  const cases: readonly Case[] = [
    ['deploy', undefined, { to: 'po/a' }, /one pod .* --to deploy/],
    ['po', undefined, { from: 'deploy/a' }, /one pod .* stat deploy/],
    ['svc', undefined, { to: 'svc/a' }, /only deploy, po and ns call others/],
    ['svc', undefined, { from: 'svc/a' }, /only deploy, po and ns call others/],
    ['deploy', undefined, { to: 'svc/a', from: 'po/b' }, /not both/],
    ['deploy', undefined, { toNamespace: 'post' }, /--to-namespace .* give that too/],
    ['deploy', undefined, { fromNamespace: 'post' }, /--from-namespace .* give that too/],
    ['all', 'web', {}, /all takes no name/],
    ['all', undefined, { to: 'po/a' }, /one pod/],
    ['all', undefined, { to: 'svc/a', from: 'po/b' }, /not both/],
  ];
  for (const [type, name, changed, message] of cases) {
    assert.throws(
      () => statQuestion(type, name, { ...defaults, ...changed }),
      (error) =>
        error instanceof Failure && error.exitCode === EXIT_USAGE && message.test(error.message),
      `${type} ${JSON.stringify(changed)}`,
    );
  }
});
