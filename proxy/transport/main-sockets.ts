/** What the few connections of the main thread share: the admin port's, and the one to the controller. */
import { TimerWheel } from '../../base/timer-wheel.ts';
import type { Transport } from './link.ts';
import { NodeTransport } from './node.ts';
import { Turn } from './turn.ts';

/** Sockets, and the time they go by. */
export interface MainSockets {
  readonly turn: Turn;
  readonly transport: Transport;
  readonly wheel: TimerWheel;
}

const TICK_MS = 500;

/** One buffer to read into, one interval while anything is timed. */
export function mainSockets(): MainSockets {
  const turn = new Turn(() => performance.now() * 1000);
  const wheel = new TimerWheel(TICK_MS, () => performance.now(), turn.run);
  return { turn, transport: new NodeTransport(turn), wheel };
}
