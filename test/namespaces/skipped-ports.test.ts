/** Ports that annotations of a pod take out of the mesh, and addresses at which there is nobody. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { DevMesh } from '../support/dev-mesh.ts';
import { NETNS, podOf, statusIn, withoutNamespaces } from '../support/namespaces.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';

const skip = withoutNamespaces();
const NAMESPACE = 'skipped';
const SERVER = "require('http').createServer((_, res) => res.end('here')).listen(process.env.PORT)";

/** A Deployment with these annotations of its pods, and a Service of its name at port 80. */
const server = (name: string, annotations: string): string => `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  template:
    metadata: { labels: { app: ${name} }, annotations: { ${annotations} } }
    spec:
      containers:
        - command: [node, -e, "${SERVER}"]
          ports: [{ name: http, containerPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec: { selector: { app: ${name} }, ports: [{ port: 80, targetPort: http }] }
`;

const MANIFEST = [
  server('meshed', ''),
  server('open', 'config.culvert.dev/skip-inbound-ports: "http"'),
  server('direct', 'config.culvert.dev/skip-outbound-ports: "80-81"'),
].join('');

const directory = mkdtempSync(path.join(tmpdir(), 'culvert-test-'));
let dev: DevMesh;

before(async () => {
  if (skip) return;
  const manifest = path.join(directory, 'pods.yaml');
  writeFileSync(manifest, MANIFEST);
  dev = await DevMesh.start(manifest, NAMESPACE, NETNS);
});

after(async () => {
  await dev?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Connections that the sidecar of a Deployment's pod took from its callers, or from its application. */
async function taken(deployment: string, direction: 'inbound' | 'outbound'): Promise<number> {
  const page = await fetch(`http://${podOf(dev, deployment).sidecarAdmin}/metrics`);
  const samples = parseSamples(await page.text());
  return sumOf(samples, 'tcp_open_total', { direction, peer: 'src' });
}

it(
  "Skipped inbound port is reached, and its pod's sidecar hears nothing of it",
  { skip },
  async () => {
    assert.equal(await statusIn('caller-1', 'http://meshed/'), '200');
    assert.ok((await taken('meshed', 'inbound')) > 0);
    assert.equal(await statusIn('caller-1', 'http://open/'), '200');
    assert.ok((await taken('caller', 'outbound')) >= 2);
    assert.equal(await taken('open', 'inbound'), 0);
  },
);

it('Skipped outbound port of a service is reached past the own sidecar', { skip }, async () => {
  const before = await taken('meshed', 'inbound');
  assert.equal(await statusIn('direct-1', 'http://meshed/'), '200');
  assert.equal(await taken('direct', 'outbound'), 0);
  assert.ok((await taken('meshed', 'inbound')) > before);
  // Another port goes the usual way.
  const address = podOf(dev, 'meshed').ports[0]?.address;
  assert.equal(await statusIn('direct-1', `http://${address}/`), '200');
  assert.ok((await taken('direct', 'outbound')) > 0);
});

it(
  'Service address refuses ports that it does not have, with and without a sidecar',
  { skip },
  async () => {
    for (const url of ['http://meshed:82/', 'http://meshed:81/', 'http://10.198.77.1/']) {
      // 7 where the kernel refuses, 52 or 56 where a sidecar had taken it first; 28 is a timeout.
      await assert.rejects(statusIn('direct-1', url), (error) => {
        return (
          error instanceof Error && 'code' in error && [7, 52, 56].includes(Number(error.code))
        );
      });
    }
  },
);
