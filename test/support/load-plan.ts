/** A short plan for the load generator, to be changed where a test cares. */
import type { SocketAddress } from '../../base/settings.ts';
import type { LoadPlan } from '../../bench/load/plan.ts';

/** One connection in a closed loop for 100 ms. */
export function loadPlan(to: SocketAddress, changes: Partial<LoadPlan> = {}): LoadPlan {
  return {
    protocol: 'http1',
    to,
    authority: 'web',
    requests: [{ method: 'GET', path: '/', bodyBytes: 0, weight: 1 }],
    connections: 1,
    connectionPerRequest: false,
    idleConnections: 0,
    arrival: { kind: 'closed' },
    warmupMs: 0,
    durationMs: 100,
    seed: 1,
    watch: [],
    ...changes,
  };
}
