/**
 * Bytes carried and not read: HTTP/1.1 between generator and backend, of which the proxies are told
 * nothing. HAProxy runs in `mode tcp`.
 */
import type { Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { type Course, runCourse } from './course.ts';
import { KEEP_ALIVE } from './http1.ts';
import { idleScenario } from './many-idle-connections.ts';
import type { Scenario } from './scenario.ts';

const topologyOf = (stage: Stage): Topology => ({
  direction: 'inbound',
  hops: 1,
  backends: stage.parts.backends.slice(0, 1),
  authority: AUTHORITY,
  threads: 1,
  opaque: true,
});

const scenario = (name: string, about: string, load: Load, rates: readonly number[]): Scenario => {
  const course: Course = { load, rates, quickRates: [] };
  return {
    name: `tcp/${name}`,
    about,
    quick: false,
    seconds: 80 + 60 * rates.length,
    quickSeconds: 33,
    run: (stage) => runCourse(stage, topologyOf(stage), course),
  };
};

const [GET] = KEEP_ALIVE.requests;

/** In the order in which they run. */
export const TCP_SCENARIOS: readonly Scenario[] = [
  scenario('small', 'Small exchanges on 32 kept tunnels.', KEEP_ALIVE, [5_000]),
  scenario(
    'throughput',
    '1 MB at a time on 8 kept tunnels: a thousand requests are a gigabyte.',
    { ...KEEP_ALIVE, connections: 8, requests: [{ ...GET!, path: '/1m' }] },
    [],
  ),
  scenario(
    'connect',
    'A new tunnel for each small exchange.',
    { ...KEEP_ALIVE, connectionPerRequest: true },
    [],
  ),
  idleScenario({
    name: 'tcp/idle',
    about: '5,000 tunnels that carried one exchange and stay, while others carry 1,000 a second.',
    topologyOf,
  }),
];
