import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPath } from './fields.ts';
import { readResource } from './read-resource.ts';
import type { Pod, Service } from './resource.ts';

const PREFIX = 'config.culvert.dev/';

type Annotations = Readonly<Record<string, unknown>>;

const prefixed = (annotations: Annotations): Annotations =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]));

const serviceWith = (annotations: Annotations): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db', annotations: prefixed(annotations) },
  spec: {
    ports: [
      { name: 'sql', port: 3306, targetPort: 13306 },
      { name: 'web', port: 80 },
    ],
  },
});

const podSpec = { containers: [{ name: 'main', ports: [{ name: 'sql', containerPort: 13306 }] }] };

const podWith = (annotations: Annotations): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'db-1', annotations: prefixed(annotations) },
  spec: podSpec,
});

const deploymentWith = (annotations: Annotations): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'db' },
  spec: { template: { metadata: { annotations: prefixed(annotations) }, spec: podSpec } },
});

/** The declarations as "25-26 opaque", or the problems as they are reported. */
const shown = (declared: Service['declared']): string[] =>
  declared.map(({ first, last, protocol }) => `${first}-${last} ${protocol}`);

function read(object: object): Service | Pod {
  const result = readResource(object, []);
  assert.equal(result.outcome, 'resource', JSON.stringify(result));
  return (result as { readonly resource: Service | Pod }).resource;
}

function problems(object: object): string[] {
  const result = readResource(object, []);
  if (result.outcome !== 'refused') return [];
  return result.problems.map(({ path, reason }) => `${formatPath(path)}: ${reason}`);
}

const ofService = (annotations: Annotations): string[] =>
  shown((read(serviceWith(annotations)) as Service).declared);

test('a Service declares ports by number, by range, by name, and all at once', () => {
  assert.deepEqual(ofService({}), []);
  assert.deepEqual(ofService({ 'opaque-ports': '25,4444-4450,sql' }), [
    '25-25 opaque',
    '3306-3306 opaque',
    '4444-4450 opaque',
  ]);
  assert.deepEqual(ofService({ 'app-protocol': ' HTTP2 ' }), ['1-65535 http2']);
  assert.deepEqual(ofService({ 'app-protocol': '80=http1, 90-99 = detect,sql=skip' }), [
    '80-80 http1',
    '90-99 detect',
    '3306-3306 opaque',
  ]);
  assert.deepEqual(ofService({ 'app-protocol': '', 'opaque-ports': '' }), []);
});

test('app-protocol of a Service goes before its opaque-ports', () => {
  const both = { 'opaque-ports': '80,81', 'app-protocol': '80=grpc' };
  assert.deepEqual(ofService(both), ['80-80 http2', '80-81 opaque']);
});

test('a pod declares its own ports, and what it skips on either side', () => {
  const pod = read(
    podWith({
      'opaque-ports': 'sql',
      'skip-inbound-ports': '22',
      'skip-outbound-ports': '5432,6000-6010',
    }),
  ) as Pod;
  assert.deepEqual(shown(pod.declaredInbound), ['22-22 opaque', '13306-13306 opaque']);
  assert.deepEqual(shown(pod.declaredOutbound), ['5432-5432 opaque', '6000-6010 opaque']);
});

const LIST = 'must be a list of ports, ranges and port names, as "3306,4444-4450,mysql", has';
const FORM =
  'must be a protocol, or PORT=PROTOCOL with commas between (opaque, http1, http2, skip or detect), has';

const REFUSED: readonly (readonly [object: object, annotation: string, reason: string])[] = [
  [serviceWith({ 'opaque-ports': '0' }), 'opaque-ports', `${LIST} "0"`],
  [serviceWith({ 'opaque-ports': '90-80' }), 'opaque-ports', `${LIST} "90-80"`],
  [serviceWith({ 'opaque-ports': 3306 }), 'opaque-ports', 'must be text, is 3306'],
  [
    serviceWith({ 'opaque-ports': 'mysql' }),
    'opaque-ports',
    'names the port "mysql", which is not there',
  ],
  [serviceWith({ 'app-protocol': 'htp' }), 'app-protocol', `${FORM} "htp"`],
  [serviceWith({ 'app-protocol': '80=http1,81' }), 'app-protocol', `${FORM} "81"`],
  [serviceWith({ 'app-protocol': '=http1' }), 'app-protocol', `${FORM} "=http1"`],
  [serviceWith({ 'app-protocol': '80=http1=2' }), 'app-protocol', `${FORM} "80=http1=2"`],
  [serviceWith({ 'app-protocol': '70000=http1' }), 'app-protocol', `${LIST} "70000"`],
  [podWith({ 'skip-inbound-ports': '22;23' }), 'skip-inbound-ports', `${LIST} "22;23"`],
  [
    podWith({ 'skip-outbound-ports': 'sql' }),
    'skip-outbound-ports',
    'must name ports by number, has "sql"',
  ],
];

for (const [object, annotation, reason] of REFUSED) {
  test(`the annotation ${annotation} ${reason}: it is refused`, () => {
    assert.deepEqual(problems(object), [`metadata.annotations.${PREFIX}${annotation}: ${reason}`]);
  });
}

const times = (count: number, entry: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => entry(i)).join(',');

test('a list of ten thousand entries is read, and said in as few ranges as it takes', () => {
  const many = times(10_000, (i) => String(1 + ((i * 7_919) % 20_000)));
  const ranges = ofService({ 'opaque-ports': `${many},30000-40000,35000-50000,sql` });
  assert.ok(ranges.length <= 10_001, String(ranges.length));
  assert.equal(ranges.at(-1), '30000-50000 opaque');
  assert.deepEqual(ofService({ 'opaque-ports': times(10_000, (i) => String(i + 1)) }), [
    '1-10000 opaque',
  ]);
  assert.equal(
    ofService({ 'app-protocol': times(10_000, (i) => `${i + 1}=http1`) }).length,
    10_000,
  );
});

test('of ten thousand mistakes in an annotation the first is told', () => {
  const path = `metadata.annotations.${PREFIX}`;
  for (const [annotation, entry, reason] of [
    ['opaque-ports', 'a b', `${LIST} "a b"`],
    ['opaque-ports', 'nosuch', 'names the port "nosuch", which is not there'],
    ['app-protocol', '80=\u{1f980}', `${FORM} "80=\u{1f980}"`],
    ['app-protocol', '65536=http1', `${LIST} "65536"`],
    ['app-protocol', 'nosuch=http1', 'names the port "nosuch", which is not there'],
  ] as const) {
    const given = times(10_000, () => entry);
    assert.deepEqual(problems(serviceWith({ [annotation]: given })), [
      `${path}${annotation}: ${reason}`,
    ]);
  }
});

test('a mistake is shown in one line, and not longer than a line', () => {
  for (const text of ['80\n81', 'x'.repeat(1_000_000), '\u0000', 'порт', '８０', '80\u202e08']) {
    const [problem = '', ...more] = problems(serviceWith({ 'opaque-ports': text }));
    assert.equal(more.length, 0);
    assert.ok(problem.startsWith(`metadata.annotations.${PREFIX}opaque-ports: ${LIST} "`), problem);
    assert.ok(problem.length < 250 && !/[\n\0]/.test(problem), problem);
  }
});

test('a Deployment is refused for what its pods would be refused for', () => {
  assert.deepEqual(problems(deploymentWith({ 'opaque-ports': 'sql,25' })), []);
  assert.deepEqual(problems(deploymentWith({ 'opaque-ports': 'x,y z' })), [
    `spec.template.metadata.annotations.${PREFIX}opaque-ports: ${LIST} "y z"`,
  ]);
});
