/** Arms made of several instances: an outbound one, and an inbound one before each backend. */
import type { Arm, Topology } from './peer.ts';

/** Starts one instance; `topology.hops` is 1. */
export type StartInstance = (topology: Topology) => Promise<Arm>;

/**
 * Starts what `topology` asks for, the last hop first. When an instance does not start, those
 * before it are stopped.
 */
export async function startHops(topology: Topology, start: StartInstance): Promise<Arm> {
  if (topology.hops === 1) return start(topology);
  const { backendProtocol, betweenProtocol, protocol = 'http1' } = topology;
  const between = betweenProtocol ?? protocol;
  const one = { ...topology, hops: 1 } as const;
  const last = { ...one, protocol: between, backendProtocol: backendProtocol ?? protocol };
  const arms: Arm[] = [];
  try {
    for (const backend of topology.backends) {
      arms.unshift(await start({ ...last, direction: 'inbound', backends: [backend] }));
    }
    // `unshift` turned their order round; the balancer sees them in the order of the backends.
    const backends = arms.map(({ address }) => address).toReversed();
    const first = { ...one, backendProtocol: between, backends, chained: true } as const;
    arms.unshift(await start({ ...first, direction: 'outbound' }));
  } catch (error) {
    await stopAll(arms);
    throw error;
  }
  return joined(arms);
}

/** As one arm, entered by the first. */
function joined(arms: readonly Arm[]): Arm {
  const [first] = arms;
  if (first === undefined) throw new Error('a chain of no instances');
  return {
    name: first.name,
    address: first.address,
    pids: arms.flatMap(({ pids }) => pids),
    readyMs: Math.max(...arms.map(({ readyMs }) => readyMs)),
    admins: arms.flatMap(({ admins }) => admins),
    stop: () => stopAll(arms),
  };
}

async function stopAll(arms: readonly Arm[]): Promise<void> {
  await Promise.all(arms.map((arm) => arm.stop()));
}
