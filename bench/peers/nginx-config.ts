/** What nginx is told wherever it runs here: as a proxy, and as the backend. */
import { CLIENT_IDLE_MS, REQUESTS_PER_CONNECTION } from './fairness.ts';
import type { Scratch } from './scratch.ts';

/** The parts that differ. */
export interface NginxParts {
  readonly scratch: Scratch;
  readonly workers: number;
  /** Of one worker, both sides counted. */
  readonly connectionsMax: number;
  /** Directives of the http block. */
  readonly http: string;
}

/** Writes the configuration; returns nginx's arguments. One process and `workers` more. */
export function configureNginx(parts: NginxParts): readonly string[] {
  const { connectionsMax, http, scratch, workers } = parts;
  const { directory } = scratch;
  // Started by root its workers become another user, who cannot read the scratch.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const config = `${user}daemon off;
worker_processes ${workers};
worker_rlimit_nofile ${connectionsMax + 100};
pid ${directory}/pid;
events { worker_connections ${connectionsMax}; }
http {
  access_log off;
  server_tokens off;
  default_type text/plain;
  sendfile on;
  keepalive_timeout ${CLIENT_IDLE_MS / 1_000}s;
  keepalive_requests ${REQUESTS_PER_CONNECTION};
  keepalive_time 24h;
  client_max_body_size 0;
  client_body_temp_path ${directory}/client_body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
${http}
}
`;
  return ['-e', 'stderr', '-p', directory, '-c', scratch.write('nginx.conf', config)];
}
