import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { Failure } from '../failure.ts';
import { readManifests } from './manifest.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'culvert-manifest-'));
after(() => rmSync(directory, { recursive: true }));
const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));

function read(text: string) {
  const file = path.join(directory, 'm.yaml');
  writeFileSync(file, text);
  return readManifests([file]);
}

/** Every problem, without the directory. */
function problems(text: string): readonly string[] {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof Failure);
    const [head, ...lines] = error.message.replaceAll(`${directory}/`, '').split('\n');
    assert.equal(head, 'the manifest cannot run:');
    return lines;
  }
  return assert.fail('no problem was found');
}

const deployment = (container: string, more = ''): string => `
kind: Deployment
metadata: { name: web, namespace: demo }
spec:
  replicas: 2
  template:
    metadata: { labels: { app: web }, annotations: { ${more} } }
    spec:
      containers:
        - ${container}
`;

test('manifest gives Deployments with command, environment, ports and directory', () => {
  const { deployments } = read(
    deployment(
      `{ name: main, command: [node, web.ts], args: ['$(PORT)'], workingDir: app, env: [{ name: A, value: "1" }, { name: B, valueFrom: { fieldRef: { fieldPath: status.podIP } } }], ports: [{ name: http, containerPort: 8080 }, { containerPort: 53, protocol: UDP }] }`,
    ),
  );
  assert.deepEqual(deployments, [
    {
      namespace: 'demo',
      name: 'web',
      replicas: 2,
      labels: { app: 'web' },
      annotations: {},
      meshed: true,
      container: {
        name: 'main',
        argv: ['node', 'web.ts', '$(PORT)'],
        directory: path.join(directory, 'app'),
        env: [
          { name: 'A', value: '1', fieldPath: undefined },
          { name: 'B', value: '', fieldPath: 'status.podIP' },
        ],
        ports: [{ name: 'http', port: 8080 }],
        runAsUser: undefined,
      },
      tryCommand: undefined,
    },
  ]);
});

test('manifest without inject gets no sidecar', () => {
  const { deployments } = read(deployment('{ command: [a] }', 'culvert.dev/inject: disabled'));
  assert.equal(deployments[0]?.meshed, false);
});

test('manifest with an annotation that should be a list of ports and is none is refused', () => {
  const bad = deployment('{ command: [a] }', 'config.culvert.dev/opaque-ports: "25;26"');
  assert.deepEqual(problems(bad), [
    'm.yaml:7: spec.template.metadata.annotations.config.culvert.dev/opaque-ports: must be a list of ports, ranges and port names, as "3306,4444-4450,mysql", has "25;26"',
  ]);
});

test('manifest gives Services with their target ports', () => {
  const service = `---
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }, { name: b, port: 81 }] }
---
kind: Service
metadata: { name: elsewhere }
spec: { type: ExternalName, externalName: example.com }
`;
  assert.deepEqual(read(deployment('{ command: [a] }') + service).services, [
    {
      namespace: 'default',
      name: 'web',
      selector: { app: 'web' },
      ports: [
        { name: undefined, port: 80, targetPort: 'http' },
        { name: 'b', port: 81, targetPort: 81 },
      ],
      clusterIp: undefined,
    },
  ]);
});

const own = (clusterIp: string): string =>
  `---\nkind: Service\nmetadata: { name: a }\nspec: { clusterIP: ${clusterIp} }\n`;

test('manifest says which address a Service has, and as which user a container runs', () => {
  const pod = deployment('{ command: [a] }');
  assert.equal(read(`${pod}${own('None')}`).services[0]?.clusterIp, 'None');
  assert.equal(read(`${pod}${own('192.0.2.7')}`).services[0]?.clusterIp, '192.0.2.7');

  const user = (text: string): number | undefined => read(text).deployments[0]?.container.runAsUser;
  const ofContainer = '{ command: [a], securityContext: { runAsUser: 1001 } }';
  assert.equal(user(pod), undefined);
  assert.equal(user(deployment(ofContainer)), 1_001);
  assert.equal(
    user(pod.replace('containers:', 'securityContext: { runAsUser: 1000 }\n      containers:')),
    1_000,
  );
  assert.deepEqual(problems(deployment('{ command: [a], securityContext: { runAsUser: -1 } }')), [
    'm.yaml:10: spec.template.spec.containers[0].securityContext.runAsUser: -1 is not an integer of 0 to 2147483647',
  ]);
});

test('manifest gives no sidecar that has nothing to carry, and says so', () => {
  const worker = deployment('{ command: [a] }');
  const { deployments, warnings } = read(worker);
  assert.equal(deployments[0]?.meshed, false);
  assert.deepEqual(warnings, ['Deployment web gets no sidecar: no ports, no Service in "demo"']);
  const service = '---\nkind: Service\nmetadata: { name: a, namespace: demo }\nspec: { ports: ';
  assert.equal(read(`${worker}${service}[] }\n`).deployments[0]?.meshed, false);
  const calling = read(`${worker}${service}[{ port: 80 }] }\n`);
  assert.equal(calling.deployments[0]?.meshed, true);
  assert.deepEqual(calling.warnings, []);
});

test('manifest means the same with aliases and merge keys', () => {
  const { deployments } = read(`kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: &labels { app: web } }
  template:
    metadata: { labels: { <<: *labels, tier: front } }
    spec:
      containers:
        - command: &words [node, web.ts]
          args: *words
          ports: [{ containerPort: 7080 }]
`);
  assert.deepEqual(deployments[0]?.labels, { app: 'web', tier: 'front' });
  assert.deepEqual(deployments[0].container.argv, ['node', 'web.ts', 'node', 'web.ts']);
});

test('manifest problems behind an alias name the line of the alias', () => {
  const found = problems(deployment('{ command: &a [1], args: *a }'));
  const at = 'm.yaml:10: spec.template.spec.containers[0]';
  assert.deepEqual(found, [
    `${at}.command[0]: 1 is no string: quote it`,
    `${at}.args[0]: 1 is no string: quote it`,
  ]);
});

test('manifest with aliases that have no end, or no value, is refused', () => {
  const circle = 'kind: Service\nmetadata:\n  labels: &l { a: *l }\n';
  assert.equal(problems(circle)[0], 'm.yaml:3: the alias *l stands inside what it stands for');
  assert.match(problems('kind: *nothing\n')[0] ?? '', /^m\.yaml:1: .*nothing/);
  const flood = `a: &a [x]\nb: &b [${'*a,'.repeat(11)}]\nc: [${'*b,'.repeat(11)}]\n`;
  assert.match(problems(flood)[0] ?? '', /^m\.yaml:1: Excessive alias count/);
});

test('manifest names and namespaces are DNS labels', () => {
  const found = problems(
    'kind: Service\nmetadata:\n  name: Web\n  namespace: a/b\n---\nkind: Service\n',
  );
  assert.deepEqual(found.slice(0, 3), [
    'm.yaml:4: metadata.namespace: "a/b" is no name: 1 to 63 of a-z, 0-9 and "-"',
    'm.yaml:3: metadata.name: "Web" is no name: 1 to 63 of a-z, 0-9 and "-"',
    'm.yaml:6: metadata.name: "" is no name: 1 to 63 of a-z, 0-9 and "-"',
  ]);
});

test('manifest says what it does not run', () => {
  const { warnings } = read(`${deployment('{ command: [a], ports: [{ containerPort: 80 }] }')}---
kind: StatefulSet
metadata: { name: db }
`);
  assert.deepEqual(warnings, ['StatefulSet db is not run: dev runs Deployments only']);
});

test('manifest problems carry file, line, path and reason, all at once', () => {
  const found = problems(`kind: Deployment
metadata: { name: Web }
spec:
  replicas: -1
  template:
    spec:
      containers:
        - image: web:1
          env:
            - { name: RATE, value: 30 }
            - { name: 'A B' }
            - { name: S, valueFrom: { secretKeyRef: { name: s, key: k } } }
          ports: [{ containerPort: 70000 }, { name: x }]
`);
  assert.deepEqual(
    found.toSorted(),
    [
      'm.yaml:2: metadata.name: "Web" is no name: 1 to 63 of a-z, 0-9 and "-"',
      'm.yaml:4: spec.replicas: -1 is not an integer of 0 to 100',
      'm.yaml:8: spec.template.spec.containers[0].command: is missing: dev runs commands, not images',
      'm.yaml:10: spec.template.spec.containers[0].env[0].value: 30 is no string: quote it',
      'm.yaml:11: spec.template.spec.containers[0].env[1].name: "A B" is no name of a variable',
      'm.yaml:12: spec.template.spec.containers[0].env[2].valueFrom: is not a fieldRef to metadata.name, metadata.namespace, status.podIP',
      'm.yaml:13: spec.template.spec.containers[0].ports[0].containerPort: 70000 is not an integer of 1 to 65535',
      'm.yaml:13: spec.template.spec.containers[0].ports[1].containerPort: is missing',
    ].toSorted(),
  );
});

test('manifest that is not YAML names the line', () => {
  const [problem = ''] = problems('kind: Deployment\nmetadata: { name: [\n');
  assert.match(problem, /^m\.yaml:[23]: /);
});

test('manifest with two containers a pod, twins or nothing to run is refused', () => {
  const two = deployment('{ command: [a] }\n        - { command: [b] }');
  assert.match(problems(two).join('\n'), /containers: 2 containers: dev runs exactly one/);
  const twins = `${deployment('{ command: [a] }')}---${deployment('{ command: [a] }')}`;
  assert.deepEqual(problems(twins), ['Deployment demo/web is given twice']);
  assert.deepEqual(problems('kind: Namespace\n'), ['m.yaml: no Deployment to run']);
});

test('demo manifest has six Deployments, one of them twice, and a Service for all but the bot', () => {
  const { deployments, services, warnings } = readManifests([DEMO]);
  assert.deepEqual(
    deployments.map(({ name, replicas }) => `${name} ${replicas}`),
    ['web 1', 'parcels 2', 'rates 1', 'labels 1', 'ledger 1', 'bot 1'],
  );
  assert.deepEqual(
    services.map(({ name }) => name),
    ['web', 'parcels', 'rates', 'labels', 'ledger'],
  );
  assert.deepEqual(warnings, []);
});
