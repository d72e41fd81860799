import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { destinationSubject } from './catalog.ts';

/** What a proxy is told that its HTTP/1.1 requests to demo/web, or to `authority`, ride on. */
function transport(annotations: string, authority = 'web'): Protocol | undefined {
  const service = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo, annotations: ${annotations}}, spec: {ports: [{port: 80}]}}`;
  const pod =
    '{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo}, status: {podIP: 10.0.0.1}}';
  const content = readFileContent('mesh.yaml', [service, pod].join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  const mesh = buildMesh(1, [...content.resources.values()]);
  const target = { originalDst: '', authority, port: 80 };
  const resource = destinationSubject(target, 'demo').compile(mesh);
  return resource?.$case === 'destination' ? resource.value.http1Transport : undefined;
}

test('a destination says what HTTP/1.1 rides on as its Service does, or nothing', () => {
  const name = 'config.culvert.dev/http1-transport';
  assert.equal(transport(`{${name}: http2}`), Protocol.PROTOCOL_HTTP2);
  assert.equal(transport(`{${name}: http1}`), Protocol.PROTOCOL_HTTP1);
  assert.equal(transport('{other: x}'), Protocol.PROTOCOL_UNSPECIFIED);
});

test('a pod that is dialled at its own address has no Service that would say it', () => {
  assert.equal(transport('{}', '10.0.0.1'), Protocol.PROTOCOL_UNSPECIFIED);
});

const OPAQUE_BY_DEFAULT = [{ first: 6379, last: 6379 }];
const RIDES = 'config.culvert.dev/http1-transport: http2';
const service = (name: string, annotations: string, targetPort: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo, annotations: {${annotations}}}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: ${targetPort}}]}}`;
const podWith = (annotations: string, meshed = true): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo, labels: {app: web${meshed ? ', culvert.dev/control-plane-ns: c' : ''}}, annotations: {${annotations}}}, spec: {containers: [{name: web, ports: [{name: own, containerPort: 8080}, {name: cache, containerPort: 6379}]}]}, status: {podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: 'True'}]}}`;

/** What the mesh of these says that HTTP/1.1 to `authority` rides on. */
function told(authority: string, port: number, ...documents: readonly string[]) {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  const mesh = buildMesh(1, [...content.resources.values()], OPAQUE_BY_DEFAULT);
  const resource = destinationSubject({ originalDst: '', authority, port }, 'demo').compile(mesh);
  assert.ok(resource?.$case === 'destination');
  assert.equal(resource.value.endpoints.length, 1);
  return resource.value.http1Transport;
}

test('HTTP/1.1 rides on nothing to a pod whose port is opaque, whatever its Service says', () => {
  const { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_UNSPECIFIED } = Protocol;
  const web = service('web', RIDES, '8080');
  assert.equal(told('web', 80, web, podWith('')), PROTOCOL_HTTP2, 'nothing is opaque');
  for (const name of ['opaque-ports', 'skip-inbound-ports']) {
    const pod = podWith(`config.culvert.dev/${name}: "8080"`);
    assert.equal(told('web', 80, web, pod), PROTOCOL_HTTP1, name);
    // The setting of a caller's sidecar may be HTTP/2.
    assert.equal(told('web', 80, service('web', '', '8080'), pod), PROTOCOL_HTTP1, name);
    assert.equal(told('10.0.0.1', 8080, pod), PROTOCOL_HTTP1, name);
  }
  const other = podWith('config.culvert.dev/opaque-ports: "9090"');
  assert.equal(told('web', 80, web, other), PROTOCOL_HTTP2, 'another port');
  assert.equal(told('10.0.0.1', 8080, other), PROTOCOL_UNSPECIFIED, 'another port');
  const without = podWith('config.culvert.dev/opaque-ports: "8080"', false);
  assert.equal(told('web', 80, web, without), PROTOCOL_HTTP2, 'no sidecar reads the annotation');
});

test('HTTP/1.1 rides on nothing to a port that the default list or another Service calls opaque', () => {
  const byName = service('web', RIDES, 'cache');
  assert.equal(told('web', 80, byName, podWith('')), Protocol.PROTOCOL_HTTP1);
  const web = service('web', RIDES, '8080');
  const raw = service('raw', 'config.culvert.dev/opaque-ports: "80"', '8080');
  assert.equal(told('web', 80, web, raw, podWith('')), Protocol.PROTOCOL_HTTP1);
});
