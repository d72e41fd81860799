/** What a redirected connection costs before anything is read of it. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { Passages } from '../../../proxy/accept/passages.ts';
import { RecentDials } from '../../../proxy/transport/recent-dials.ts';
import type { MicroCase } from '../micro-case.ts';
import { DEAF, SinkLink, SinkTransport } from '../sink-link.ts';

/** As many as are remembered. */
const DIALS = 512;
const TO = { host: '10.96.0.1', port: 80 };

type ServerSession = ReturnType<Passages['begin']>;
type ServerSide = Parameters<Passages['begin']>[0];

const SESSION: ServerSession = {
  ...DEAF,
  idle: true,
  closeIfIdle() {},
  abort() {},
  goodbye() {},
  requestFault() {},
};

const unused = (): never => {
  throw new Error('nothing is said on the connection');
};

export const interception: readonly MicroCase[] = [
  {
    name: 'passages and recent-dials redirected connection',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      const dials = new RecentDials(new SinkTransport(), wheel);
      const counts = new Float64Array(0);
      for (let i = 0; i < DIALS; i++) {
        dials.dial({ host: `10.1.0.${i & 255}`, port: i, from: undefined, counts }, DEAF);
      }
      let begun = 0;
      const passages = new Passages({
        wheel,
        make: () => ({
          side: { open: unused, refused: unused },
          begin: (side) => {
            begun++;
            side.closed(SESSION);
            return SESSION;
          },
        }),
        refuses: (peer, to) => (dials.isOwn(peer, to) ? unused() : undefined),
        refusing: unused,
      });
      const side: ServerSide = {
        wheel,
        local: true,
        goodbye: () => false,
        open: unused,
        refused: unused,
        limitHit: unused,
        closed: () => undefined,
      };
      const link = Object.assign(new SinkLink(DEAF), {
        peer: { remote: '10.1.0.1:40001', local: '127.0.0.1:4140', originalDst: TO },
      });
      wheel.stop();
      const run = (): number => {
        begun = 0;
        passages.begin(side, link, () => undefined);
        return begun;
      };
      return { run, expected: 1 };
    },
  },
];
