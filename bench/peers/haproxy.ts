/** HAProxy, one process with as many threads as asked for. */
import { formatSocketAddress } from '../../base/settings.ts';
import { configuredPeer } from './configured-peer.ts';
import {
  CLIENT_IDLE_MS,
  CONNECTIONS_MAX,
  CONNECT_TIMEOUT_MS,
  SERVER_IDLE_MS,
  UPSTREAM_IDLE_MS,
} from './fairness.ts';
import { type Peer, sendsHttp2, takesHttp2 } from './peer.ts';

/** Its connections to servers are shared by all clients: `http-reuse always`. */
export const HAPROXY: Peer = configuredPeer({
  name: 'haproxy',
  program: 'haproxy',
  debianPackage: 'haproxy',
  carriesTcp: true,
  versionFlag: '-v',
  configure: (scratch, listen, topology) => {
    const { backends, opaque, threads } = topology;
    const taken = takesHttp2(topology) ? ' proto h2' : '';
    const sent = sendsHttp2(topology) ? ' proto h2' : '';
    const mode = opaque === true ? 'tcp' : 'http';
    const keepAlive = opaque === true ? '' : `  timeout http-keep-alive ${CLIENT_IDLE_MS}ms\n`;
    const pool = `  http-reuse always\n  default-server${sent} pool-purge-delay ${UPSTREAM_IDLE_MS}ms\n`;
    const reuse = opaque === true ? '' : pool;
    const servers = backends.map((each, i) => `  server s${i} ${formatSocketAddress(each)}`);
    const config = `global
  nbthread ${threads}
  maxconn ${CONNECTIONS_MAX}
  # Without the right to raise the limit of descriptors: fewer connections, not none.
  no strict-limits
defaults
  mode ${mode}
  maxconn ${CONNECTIONS_MAX}
  timeout connect ${CONNECT_TIMEOUT_MS}ms
  timeout client ${CLIENT_IDLE_MS}ms
${keepAlive}  timeout server ${SERVER_IDLE_MS}ms
listen front
  bind ${formatSocketAddress(listen)}${taken}
  balance leastconn
${reuse}${servers.join('\n')}
`;
    return ['-db', '-f', scratch.write('haproxy.cfg', config)];
  },
  processes: () => 1,
});
