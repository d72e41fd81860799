/**
 * Programs of others in network namespaces, as they are installed, each in both directions: a pod
 * calls a pod, somebody outside calls a pod, a pod calls somebody outside. Nothing of a mesh is told
 * them. "Outside" is the machine itself, to which no pod leads and no rule.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { stringify } from 'yaml';
import { DevMesh, type DevPod } from '../support/dev-mesh.ts';
import {
  gatewayFor,
  inPod,
  NETNS,
  onMachine,
  podOf,
  statusIn,
  withoutNamespaces,
} from '../support/namespaces.ts';
import { OutsideServer } from '../support/outside-server.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import {
  PROGRAM_BEHIND,
  PROGRAM_PAIRS,
  type ProgramPair,
  type RunClient,
  withoutPrograms,
} from '../support/unmodified-programs.ts';

const skip = withoutNamespaces() || withoutPrograms();
const NAMESPACE = 'programs';

/** A Deployment and its Service. */
function resourcesOf({ name, port, runAsUser, server }: ProgramPair, directory: string): string {
  const own = path.join(directory, name);
  mkdirSync(own);
  const command = server(own, { host: '0.0.0.0', port });
  const labels = { app: name };
  const securityContext = runAsUser === undefined ? {} : { runAsUser };
  const containers = [{ name, command, ports: [{ containerPort: port }] }];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: { template: { metadata: { labels }, spec: { securityContext, containers } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ port }] },
    },
  ]
    .map((resource) => `---\n${stringify(resource)}`)
    .join('');
}

function manifestIn(directory: string): string {
  const file = path.join(directory, 'programs.yaml');
  const pairs = [...PROGRAM_PAIRS, PROGRAM_BEHIND];
  writeFileSync(file, pairs.map((pair) => resourcesOf(pair, directory)).join(''));
  return file;
}

let directory: string | undefined;
let started: DevMesh | undefined;
before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(path.join(tmpdir(), 'culvert-programs-'));
  // Who runs in a pod must get there.
  chmodSync(directory, 0o755);
  started = await DevMesh.start(manifestIn(directory), NAMESPACE, NETNS);
});
after(async () => {
  await started?.[Symbol.asyncDispose]();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

function mesh(): DevMesh {
  assert.ok(started !== undefined);
  return started;
}

/** A program in the pod of nobody in particular. */
const fromCaller: RunClient = (...argv) => inPod('caller-1', ...argv);

/** Connections that the pod's sidecar took and opened so far, of one direction. */
async function carriedBy(pod: DevPod, direction: 'inbound' | 'outbound') {
  const samples = parseSamples(await (await fetch(`http://${pod.sidecarAdmin}/metrics`)).text());
  const opened = (peer: string): number => sumOf(samples, 'tcp_open_total', { direction, peer });
  return { taken: opened('src'), dialled: opened('dst') };
}

/** Whether `use` goes through the pod's sidecar. */
async function isCarried(
  deployment: string,
  direction: 'inbound' | 'outbound',
  use: () => Promise<void>,
): Promise<void> {
  const pod = podOf(mesh(), deployment);
  const before = await carriedBy(pod, direction);
  await use();
  const after = await carriedBy(pod, direction);
  const what = `${direction} of ${deployment}`;
  assert.ok(after.taken > before.taken, `${what}: the sidecar took nothing`);
  assert.ok(after.dialled > 0, `${what}: the sidecar dialled nobody`);
}

for (const pair of PROGRAM_PAIRS) {
  const { name, port, title, use } = pair;

  it(`${title}: a pod calls a pod by its name`, { skip }, () =>
    isCarried('caller', 'outbound', () =>
      isCarried(name, 'inbound', () => use(fromCaller, { host: name, port })),
    ),
  );

  it(`${title}: somebody outside calls a pod`, { skip }, () => {
    const host = podOf(mesh(), name).address;
    return isCarried(name, 'inbound', () => use(onMachine, { host, port }));
  });

  it(`${title}: a pod calls somebody outside`, { skip }, async () => {
    await using server = await OutsideServer.start(pair, gatewayFor(mesh()), onMachine);
    await isCarried('caller', 'outbound', () => use(fromCaller, server.address));
  });
}

const { name: front, port: frontPort, title: frontTitle, use: useFront } = PROGRAM_BEHIND;
it(`${frontTitle}: a pod calls a pod that calls another`, { skip }, () =>
  isCarried(front, 'inbound', () =>
    isCarried(front, 'outbound', () =>
      isCarried('pages', 'inbound', () => useFront(fromCaller, { host: front, port: frontPort })),
    ),
  ),
);

it(
  'A port of a pod that nobody listens on is refused, and in HTTP it is said',
  { skip },
  async () => {
    const { address } = podOf(mesh(), 'pages');
    assert.equal(await statusIn('caller-1', `http://${address}:8081/`), '502');
    const ping = ['redis-cli', '-h', address, '-p', '8081', 'PING'];
    await assert.rejects(fromCaller(...ping), /reset by peer|closed/);
  },
);
