/** A pair of proxies that speaks HTTP/2 within, whatever its clients and servers speak. */
import type { Peer, Topology } from './peer.ts';

/** What the name of such a peer ends with. */
const SUFFIX = '-http2';

const http2Between = (topology: Topology): Topology => ({ ...topology, betweenProtocol: 'http2' });

/** `peer` with HTTP/2 between its two hops, as an arm of its own beside it: "haproxy-http2". */
export function withHttp2Between(peer: Peer): Peer {
  const name = `${peer.name}${SUFFIX}`;
  return {
    name,
    missing: () => peer.missing(),
    applies: (topology) => peer.applies(http2Between(topology)),
    version: () => peer.version(),
    start: async (topology, cores) => {
      const arm = await peer.start(http2Between(topology), cores);
      return { ...arm, name };
    },
  };
}
