import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPath } from './fields.ts';
import { readResource } from './read-resource.ts';

const parentRef = { group: '', resource: 'services', namespace: 'demo', name: 'web' };

const read = (name: unknown, spec: unknown = { parentRef }) =>
  readResource(
    { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name }, spec },
    [],
  );

/** The problems as they are reported; empty when there is none. */
function problems(name: unknown, spec?: unknown): string[] {
  const result = read(name, spec);
  if (result.outcome !== 'refused') return [];
  return result.problems.map(({ path, reason }) => `${formatPath(path)}: ${reason}`);
}

test('an IPAddress says to which Service its address was given, in either family', () => {
  for (const name of ['10.96.0.1', 'fd00::1', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:1']) {
    assert.deepEqual(read(name), {
      outcome: 'resource',
      resource: { kind: 'IPAddress', namespace: 'default', name, service: 'demo/web' },
    });
  }
});

test("an IPAddress of something else than a Service is nobody's", () => {
  for (const other of [{ resource: 'gateways' }, { group: 'example.com' }]) {
    const result = read('10.96.0.1', { parentRef: { ...parentRef, ...other } });
    assert.equal(result.outcome, 'resource');
    assert.ok('resource' in result && result.resource.kind === 'IPAddress');
    assert.equal(result.resource.service, undefined);
  }
});

test('an IPAddress that is not named by an address, or says nobody, is refused', () => {
  const shape = 'metadata.name: must be an IP address in its canonical form, is';
  const cases: [unknown, unknown, string[]][] = [
    ['web', undefined, [`${shape} "web"`]],
    ['10.96.0.256', undefined, [`${shape} "10.96.0.256"`]],
    ['fd00:0::1', undefined, [`${shape} "fd00:0::1"`]],
    ['::ffff:10.0.0.1', undefined, [`${shape} "::ffff:10.0.0.1"`]],
    [
      '10.96.0.1',
      {},
      [
        'spec.parentRef.name: is missing, must be text',
        'spec.parentRef.resource: is missing, must be text',
      ],
    ],
  ];
  for (const [name, spec, expected] of cases) {
    assert.deepEqual(problems(name, spec), expected, String(name));
  }
});
