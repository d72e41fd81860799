/** Every peer that the bench knows by name, besides our own. */
import { ENVOY } from './envoy.ts';
import { HAPROXY } from './haproxy.ts';
import { LINKERD2_PROXY } from './linkerd2-proxy.ts';
import { NGHTTPX } from './nghttpx.ts';
import { NGINX } from './nginx.ts';
import type { Peer } from './peer.ts';

/** In the order in which tables show them. */
export const PEERS: readonly Peer[] = [HAPROXY, NGINX, NGHTTPX, ENVOY, LINKERD2_PROXY];
