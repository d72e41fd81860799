/** nghttpx, a master and a worker process with as many threads as asked for. */
import { configuredPeer } from './configured-peer.ts';
import {
  CLIENT_IDLE_MS,
  CONNECTIONS_MAX,
  CONNECT_TIMEOUT_MS,
  SERVER_IDLE_MS,
  UPSTREAM_IDLE_MS,
} from './fairness.ts';
import { type Peer, sendsHttp2 } from './peer.ts';

/** It balances in turn, having no choice of the least loaded; clients may speak either protocol. */
export const NGHTTPX: Peer = configuredPeer({
  name: 'nghttpx',
  program: 'nghttpx',
  debianPackage: 'nghttp2-proxy',
  versionFlag: '-v',
  configure: (scratch, listen, topology) => {
    const { backends, threads } = topology;
    const proto = sendsHttp2(topology) ? 'h2' : 'http/1.1';
    const config = `workers=${threads}
frontend=${listen.host},${listen.port};no-tls
${backends.map(({ host, port }) => `backend=${host},${port};;proto=${proto}`).join('\n')}
worker-frontend-connections=${CONNECTIONS_MAX}
backlog=4096
backend-connect-timeout=${CONNECT_TIMEOUT_MS}ms
backend-read-timeout=${SERVER_IDLE_MS}ms
backend-write-timeout=${SERVER_IDLE_MS}ms
backend-keep-alive-timeout=${UPSTREAM_IDLE_MS}ms
frontend-keep-alive-timeout=${CLIENT_IDLE_MS}ms
frontend-read-timeout=${CLIENT_IDLE_MS}ms
frontend-write-timeout=${CLIENT_IDLE_MS}ms
no-via=yes
no-server-rewrite=yes
no-location-rewrite=yes
log-level=ERROR
errorlog-file=/dev/stderr
`;
    return [`--conf=${scratch.write('nghttpx.conf', config)}`];
  },
  processes: () => 2,
});
