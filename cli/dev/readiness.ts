import { connect } from 'node:net';
import { formatSocketAddress } from '../../base/settings.ts';
import type { SocketAddress } from '../../base/settings.ts';
import type { PodPlan } from './pod-plan.ts';

const PROBE_DEADLINE_MS = 1_000;

/** The pod's sidecar says that it is ready, and its application accepts connections. */
export async function isPodReady({ admin, ports }: PodPlan): Promise<boolean> {
  if (admin !== undefined && !(await answersReady(admin))) return false;
  for (const { application } of ports) {
    if (!(await accepts(application))) return false;
  }
  return true;
}

/** The sidecar with this admin port says that it is ready. */
export async function answersReady(admin: SocketAddress): Promise<boolean> {
  try {
    const response = await fetch(`http://${formatSocketAddress(admin)}/ready`, {
      signal: AbortSignal.timeout(PROBE_DEADLINE_MS),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Not listening yet, or not answering in time: not ready.
    return false;
  }
}

function accepts(address: SocketAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const answer = (accepted: boolean) => (): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(PROBE_DEADLINE_MS, answer(false));
    socket.once('connect', answer(true));
    socket.once('error', answer(false));
  });
}
