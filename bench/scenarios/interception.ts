/**
 * What an intercepting sidecar costs towards servers outside the mesh: redirected by the kernel, in
 * network namespaces, beside no sidecar, a sidecar that clients are told of, and HAProxy that is
 * redirected to. Needs root.
 */
import { BenchNamespaces, whyNoNamespaces } from '../peers/bench-namespaces.ts';
import { NamespacedLoader, interceptingPeers, startServers } from '../peers/intercepting.ts';
import type { Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { runCourse } from './course.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const [GET] = KEEP_ALIVE.requests;

const scenario = (
  name: string,
  about: string,
  load: Load,
  { rates = [], opaque }: { readonly rates?: readonly number[]; readonly opaque?: true },
): Scenario => ({
  name: `interception/${name}`,
  about,
  quick: false,
  seconds: 50 + 40 * rates.length,
  run: (stage) =>
    onOwnStage(stage, (own) => {
      const topology: Topology = {
        direction: 'outbound',
        hops: 1,
        backends: [],
        authority: AUTHORITY,
        threads: 1,
        ...(opaque === undefined ? {} : { opaque }),
      };
      return runCourse(own, topology, { load, rates, quickRates: [] });
    }),
});

/** In the order in which they run. */
export const INTERCEPTION_SCENARIOS: readonly Scenario[] = [
  scenario('http', 'HTTP/1.1 on 32 kept connections that the kernel redirects.', KEEP_ALIVE, {
    rates: [5_000],
  }),
  scenario(
    'connect',
    'A redirected connection for each request.',
    { ...KEEP_ALIVE, connectionPerRequest: true },
    { rates: [500] },
  ),
  scenario(
    'throughput',
    '1 MB at a time on 8 redirected tunnels: a thousand requests are a gigabyte.',
    { ...KEEP_ALIVE, connections: 8, requests: [{ ...GET!, path: '/1m' }] },
    { opaque: true },
  ),
];

/** The stage with arms and servers in namespaces; where there can be none it is noted why. */
async function onOwnStage(stage: Stage, use: (own: Stage) => Promise<void>): Promise<void> {
  const { ledger, loadCore } = stage.parts;
  const why = whyNoNamespaces();
  if (why !== undefined) return ledger.skip(stage.scenario, why);
  let namespaces: BenchNamespaces;
  try {
    namespaces = new BenchNamespaces();
  } catch (error) {
    // Root without the right to, as in a container.
    return ledger.skip(stage.scenario, error instanceof Error ? error.message : String(error));
  }
  const loader = new NamespacedLoader(loadCore);
  let stop: (() => Promise<void>) | undefined;
  try {
    stop = await startServers(namespaces, loadCore);
    await use(stage.withPeers(interceptingPeers(namespaces, loader)).withLoader(loader));
  } finally {
    await loader.stop();
    await stop?.();
    namespaces.remove();
  }
}
