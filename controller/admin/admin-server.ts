/** The admin server: /live, /ready, /metrics and /config.json over HTTP/1.1. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';

import { PROMETHEUS_CONTENT_TYPE } from '../../base/prometheus.ts';
import type { ControllerView } from '../controller-view.ts';
import { formatProblem } from '../sources/source.ts';
import { renderMetrics } from './metrics.ts';

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';

/** A server that does not listen yet. `isReady`: sources read once and every port open. */
export function createAdminServer(
  view: ControllerView,
  now: () => number,
  isReady: () => boolean,
): Server {
  const pages: ReadonlyMap<string, () => Page> = new Map([
    ['/live', () => page(TEXT, 'live\n')],
    ['/ready', () => (isReady() ? page(TEXT, 'ready\n') : page(TEXT, 'not ready\n', 503))],
    ['/metrics', () => page(PROMETHEUS_CONTENT_TYPE, renderMetrics(view, now()))],
    ['/config.json', () => page('application/json', `${JSON.stringify(config(view), null, 2)}\n`)],
  ]);
  return createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const render = pages.get(path);
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const { status, contentType, body } =
      render === undefined
        ? page(TEXT, `no such page; there are ${[...pages.keys()].join(' ')}\n`, 404)
        : reading
          ? render()
          : page(TEXT, 'only GET and HEAD\n', 405);
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

const page = (contentType: string, body: string, status = 200): Page => ({
  status,
  contentType,
  body,
});

/** What the controller holds, with the versions each proxy was sent, took and refused. */
function config(view: ControllerView): object {
  const mesh = view.mesh();
  const snapshot = view.snapshot();
  return {
    version: view.version,
    epochUs: view.startedAtUs,
    meshVersion: mesh.version,
    files: snapshot?.inputs ?? 0,
    problems: snapshot?.problems.map(formatProblem) ?? [],
    pods: [...mesh.pods.keys()].toSorted(),
    endingPods: [...mesh.pods]
      .flatMap(([key, { terminating }]) => (terminating ? [key] : []))
      .toSorted(),
    services: [...mesh.services.keys()].toSorted(),
    workloads: mesh.workloads.map((one) => `${one.kind} ${one.namespace}/${one.name}`).toSorted(),
    proxies: [...view.discovery.streams].map((stream) => ({
      namespace: stream.identity?.namespace,
      pod: stream.identity?.pod,
      instance: stream.identity?.instance,
      proxyVersion: stream.identity?.proxyVersion,
      resources: [...stream.subscriptions].map(([key, { sent, acked, nacked, error }]) => ({
        key,
        sent,
        acked,
        nacked,
        pending: stream.isPending(key),
        error: error === '' ? undefined : error,
      })),
    })),
  };
}
