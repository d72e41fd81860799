import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadPlan } from '../support/load-plan.ts';
import { withoutTables } from '../support/network-namespace.ts';
import { missingBackend } from '../../bench/peers/backend.ts';
import { BenchNamespaces } from '../../bench/peers/bench-namespaces.ts';
import {
  NamespacedLoader,
  interceptingPeers,
  startServers,
} from '../../bench/peers/intercepting.ts';
import type { Topology } from '../../bench/peers/peer.ts';

const skip = withoutTables('setpriv') || (missingBackend() ?? false);
const CORE = 1;
/** What carries load has worked for more than this; who stands by, for nothing. */
const WORKED_US = 500;

for (const opaque of [false, true]) {
  it(
    `Every intercepting peer carries what its clients open, ${opaque ? 'TCP' : 'HTTP'}`,
    {
      skip,
    },
    async () => {
      await using stack = new AsyncDisposableStack();
      const namespaces = stack.adopt(new BenchNamespaces(), (one) => one.remove());
      const loader = stack.adopt(new NamespacedLoader(CORE), (one) => one.stop());
      stack.defer(await startServers(namespaces, CORE));
      const topology: Topology = {
        direction: 'outbound',
        hops: 1,
        backends: [],
        authority: 'web',
        threads: 1,
        ...(opaque ? { opaque } : {}),
      };
      for (const peer of interceptingPeers(namespaces, loader)) {
        if (peer.missing() !== undefined) continue;
        const { address, pids, stop } = await peer.start(topology, '0-1');
        stack.defer(stop);
        const result = await loader.run(loadPlan(address, { watch: pids }));
        assert.ok(result.answered > 0, peer.name);
        assert.deepEqual(result.errors, {}, peer.name);
        const workedUs = result.cpu.reduce((sum, { totalUs }) => sum + totalUs, 0);
        assert.equal(workedUs > WORKED_US, peer.name !== 'direct', `${peer.name}: ${workedUs} us`);
      }
    },
  );
}
