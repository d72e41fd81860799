/** Envoy with a static configuration, when ENVOY names its binary. */
import type { SocketAddress } from '../../base/settings.ts';
import { configuredPeer } from './configured-peer.ts';
import {
  CLIENT_IDLE_MS,
  CONNECTIONS_MAX,
  CONNECT_TIMEOUT_MS,
  SERVER_IDLE_MS,
  UPSTREAM_IDLE_MS,
} from './fairness.ts';
import { type Peer, type Topology, sendsHttp2, takesHttp2 } from './peer.ts';
import { missingProgram } from './program.ts';

const program = process.env['ENVOY'] ?? '';

/** Its configuration follows the v3 API; no Envoy was at hand to try it with. */
export const ENVOY: Peer = {
  ...configuredPeer({
    name: 'envoy',
    program,
    debianPackage: 'envoy',
    versionFlag: '--version',
    configure: (scratch, listen, topology) => {
      // JSON is YAML; the ending tells Envoy which reader to use.
      const file = scratch.write('envoy.json', JSON.stringify(envoyConfig(listen, topology)));
      const threads = String(topology.threads);
      return ['-c', file, '--concurrency', threads, '--disable-hot-restart', '-l', 'error'];
    },
    processes: () => 1,
  }),
  missing: () =>
    program === ''
      ? 'envoy is in no Debian package: set ENVOY to the path of its binary.'
      : missingProgram({ program, debianPackage: 'nothing; ENVOY must name an executable' }),
};

const seconds = (ms: number): string => `${ms / 1_000}s`;
const typeUrl = (name: string): string => `type.googleapis.com/envoy.${name}`;
const socketAddress = ({ host, port }: SocketAddress) => ({
  socket_address: { address: host, port_value: port },
});

/** The static bootstrap: one listener, one cluster of all backends. */
export function envoyConfig(listen: SocketAddress, topology: Topology): object {
  const manager = {
    '@type': typeUrl('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'front',
    codec_type: takesHttp2(topology) ? 'HTTP2' : 'HTTP1',
    common_http_protocol_options: { idle_timeout: seconds(CLIENT_IDLE_MS) },
    stream_idle_timeout: seconds(SERVER_IDLE_MS),
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'backends', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': typeUrl('extensions.filters.http.router.v3.Router') },
      },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          address: socketAddress(listen),
          filter_chains: [
            { filters: [{ name: 'http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [clusterOf(topology)],
    },
  };
}

const clusterOf = (topology: Topology): object => ({
  name: 'backends',
  type: 'STATIC',
  lb_policy: 'LEAST_REQUEST',
  connect_timeout: seconds(CONNECT_TIMEOUT_MS),
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': typeUrl('extensions.upstreams.http.v3.HttpProtocolOptions'),
      common_http_protocol_options: { idle_timeout: seconds(UPSTREAM_IDLE_MS) },
      explicit_http_config: sendsHttp2(topology)
        ? { http2_protocol_options: {} }
        : { http_protocol_options: {} },
    },
  },
  circuit_breakers: {
    thresholds: [
      {
        max_connections: CONNECTIONS_MAX,
        max_pending_requests: CONNECTIONS_MAX,
        max_requests: CONNECTIONS_MAX,
      },
    ],
  },
  load_assignment: {
    cluster_name: 'backends',
    endpoints: [
      {
        lb_endpoints: topology.backends.map((each) => ({
          endpoint: { address: socketAddress(each) },
        })),
      },
    ],
  },
});
