/** No proxy: the generator speaks with a backend, one that speaks its protocol. */
import type { Peer } from './peer.ts';

/** Latency that others add is counted from its. */
export const DIRECT: Peer = {
  name: 'direct',
  missing: () => undefined,
  carriesTcp: true,
  applies: () => undefined,
  version: () => '',
  start: async ({ backends, unproxied: address = backends[0] }) => {
    if (address === undefined) throw new Error('there is no backend');
    return {
      name: 'direct',
      address,
      pids: [],
      readyMs: 0,
      admins: [],
      stop: () => Promise.resolve(),
    };
  },
};
