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
