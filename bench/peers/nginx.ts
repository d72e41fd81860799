/** nginx as a reverse proxy, as many workers as threads are asked for. */
import { formatSocketAddress } from '../../base/settings.ts';
import { configuredPeer } from './configured-peer.ts';
import {
  CONNECT_TIMEOUT_MS,
  REQUESTS_PER_CONNECTION,
  SERVER_IDLE_MS,
  UPSTREAM_IDLE_LINKS_MAX,
  UPSTREAM_IDLE_MS,
} from './fairness.ts';
import { configureNginx } from './nginx-config.ts';
import { type Peer, sendsHttp2, takesHttp2 } from './peer.ts';

/**
 * Both sides of 6,000 exchanges at a time, more than any load has. Not more still: nginx makes room
 * for all at its start, half a kilobyte each, and its memory is measured too.
 */
const CONNECTIONS_MAX = 12_000;

/**
 * Requests and answers are buffered in memory as by default, but never on disk. Several workers get
 * a listener each (`reuseport`), as they would in production.
 */
export const NGINX: Peer = configuredPeer({
  name: 'nginx',
  program: 'nginx',
  debianPackage: 'nginx-light',
  versionFlag: '-v',
  applies: (topology) =>
    sendsHttp2(topology) ? 'nginx does not speak HTTP/2 to servers.' : undefined,
  configure: (scratch, listen, topology) => {
    const { backends, threads } = topology;
    const taken = `${takesHttp2(topology) ? ' http2' : ''}${threads > 1 ? ' reuseport' : ''}`;
    const servers = backends.map((each) => `    server ${formatSocketAddress(each)};`);
    const http = `  client_body_buffer_size 64k;
  upstream backends {
${backends.length > 1 ? '    least_conn;\n' : ''}${servers.join('\n')}
    keepalive ${UPSTREAM_IDLE_LINKS_MAX};
    keepalive_requests ${REQUESTS_PER_CONNECTION};
    keepalive_time 24h;
    keepalive_timeout ${UPSTREAM_IDLE_MS / 1_000}s;
  }
  server {
    listen ${formatSocketAddress(listen)} backlog=4096${taken};
    location / {
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_connect_timeout ${CONNECT_TIMEOUT_MS}ms;
      proxy_read_timeout ${SERVER_IDLE_MS / 1_000}s;
      proxy_send_timeout ${SERVER_IDLE_MS / 1_000}s;
      proxy_max_temp_file_size 0;
    }
  }`;
    return configureNginx({ scratch, workers: threads, connectionsMax: CONNECTIONS_MAX, http });
  },
  processes: ({ threads }) => threads + 1,
});
