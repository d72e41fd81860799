/** Two proxies that speak HTTP/2 with each other, where clients and servers speak HTTP/1.1. */
import { withHttp2Between } from '../peers/http2-between.ts';
import { AUTHORITY, type Stage } from '../run/stage.ts';
import { runCourse } from './course.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const BACKENDS = 2;

/** Each peer twice in the same rounds, with and without: what HTTP/2 between them is worth. */
export const MESH_PAIR_HTTP2: Scenario = {
  name: 'mesh-pair/http2',
  about: 'mesh-pair with HTTP/1.1 between the two proxies, and with HTTP/2 ("culvert-http2").',
  quick: false,
  seconds: 160,
  quickSeconds: 90,
  run,
};

async function run(stage: Stage): Promise<void> {
  const { backends, peers } = stage.parts;
  const others = peers.filter(({ name }) => name !== 'direct').map(withHttp2Between);
  const topology = {
    direction: 'outbound',
    hops: 2,
    backends: backends.slice(0, BACKENDS),
    authority: AUTHORITY,
    threads: 1,
  } as const;
  const course = { load: KEEP_ALIVE, rates: [5_000], quickRates: [5_000] };
  await runCourse(stage.withPeers([...peers, ...others]), topology, course);
}
