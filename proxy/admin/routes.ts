/** The admin endpoints (contract section 1). Writes and secrets only from loopback. */
import { LOG_LEVELS, type LogLevel } from '../../base/log.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../../base/prometheus.ts';
import type { ProfileKind, ProfileRequest } from '../model/profile.ts';
import type { AdminHandler, AdminRequest, AdminResponse } from './http-server.ts';
import { type ProfileAnswer, readProfileRequest } from './profile-request.ts';

/** What the endpoints read and do. */
export interface AdminParts {
  /** Undefined when ready, otherwise why not. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => string | Promise<string>;
  readonly config: () => Promise<unknown>;
  /** What of the pod's traffic passes the proxy by. */
  readonly interception: () => unknown;
  readonly shutdown: () => void;
  readonly setLogLevel: (level: LogLevel) => void;
  /** Data threads there are. */
  readonly threads: number;
  readonly profile: (request: ProfileRequest) => Promise<ProfileAnswer>;
}

const plain = (status: number, sentence: string): AdminResponse => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${sentence}\n`,
});

interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly loopbackOnly: boolean;
  readonly answer: (
    parts: AdminParts,
    request: AdminRequest,
  ) => AdminResponse | Promise<AdminResponse>;
}

const ROUTES: Readonly<Record<string, AdminRoute>> = {
  '/live': { method: 'GET', loopbackOnly: false, answer: () => plain(200, 'live') },
  '/ready': {
    method: 'GET',
    loopbackOnly: false,
    answer: (parts) => {
      const why = parts.notReady();
      return why === undefined ? plain(200, 'ready') : plain(503, `not ready: ${why}`);
    },
  },
  '/metrics': {
    method: 'GET',
    loopbackOnly: false,
    answer: async (parts) => ({
      status: 200,
      contentType: PROMETHEUS_CONTENT_TYPE,
      body: await parts.metrics(),
    }),
  },
  '/config.json': {
    method: 'GET',
    loopbackOnly: true,
    answer: async (parts) => ({
      status: 200,
      contentType: 'application/json',
      body: `${JSON.stringify(await parts.config(), undefined, 2)}\n`,
    }),
  },
  '/interception.json': {
    method: 'GET',
    loopbackOnly: false,
    answer: (parts) => ({
      status: 200,
      contentType: 'application/json',
      body: `${JSON.stringify(parts.interception())}\n`,
    }),
  },
  '/shutdown': {
    method: 'POST',
    loopbackOnly: true,
    answer: (parts) => {
      parts.shutdown();
      return plain(200, 'draining');
    },
  },
  '/log-level': {
    method: 'PUT',
    loopbackOnly: true,
    answer: (parts, { body }) => {
      const level = LOG_LEVELS.find((known) => known === body.trim());
      if (level === undefined)
        return plain(400, `the body must be one of ${LOG_LEVELS.join(', ')}`);
      parts.setLogLevel(level);
      return plain(200, `log level is ${level}`);
    },
  },
  '/profile.cpuprofile': profileRoute('cpu'),
  '/profile.heapprofile': profileRoute('allocations'),
};

function profileRoute(kind: ProfileKind): AdminRoute {
  return {
    method: 'GET',
    loopbackOnly: true,
    answer: async (parts, { query }) => {
      const request = readProfileRequest(kind, query, parts.threads);
      if (typeof request === 'string') return plain(400, request);
      const answer = await parts.profile(request);
      return 'profile' in answer
        ? { status: 200, contentType: 'application/json', body: answer.profile }
        : plain(answer.status, answer.sentence);
    },
  };
}

/** The handler of all endpoints; unknown paths get 404, wrong methods 405. */
export function adminHandler(parts: AdminParts): AdminHandler {
  return (request) => {
    const route = Object.hasOwn(ROUTES, request.path) ? ROUTES[request.path] : undefined;
    if (route === undefined) {
      return plain(404, `no such endpoint; there are ${Object.keys(ROUTES).join(' ')}`);
    }
    const { method } = request;
    if (method !== route.method && !(method === 'HEAD' && route.method === 'GET')) {
      return plain(405, `${request.path} takes ${route.method}`);
    }
    if (route.loopbackOnly && !request.loopback) {
      return plain(403, `${request.path} is answered on loopback only`);
    }
    return route.answer(parts, request);
  };
}
