/** What a link does besides its system calls: staging, the turn, one write. */
import { EventEmitter } from 'node:events';
import type net from 'node:net';
import { LINK_COUNTS, LINK_WRITTEN_BYTES } from '../../../proxy/transport/link.ts';
import { NodeLink } from '../../../proxy/transport/node-link.ts';
import { Slabs } from '../../../proxy/transport/slabs.ts';
import { Turn } from '../../../proxy/transport/turn.ts';
import { ANSWER } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

/** A socket whose kernel takes everything. */
class TakingSocket extends EventEmitter {
  readonly connecting = false;
  readonly writableLength = 0;
  write(): boolean {
    return true;
  }
}

export const transport: readonly MicroCase[] = [
  {
    name: 'turn without work',
    setup: () => {
      const turn = new Turn(() => 1);
      return {
        run: () => {
          turn.enter();
          turn.leave();
          return turn.nowUs();
        },
        expected: 1,
      };
    },
  },
  {
    name: 'node-link read and write back',
    setup: () => {
      const counts = new Float64Array(LINK_COUNTS);
      const events = {
        onOpen() {},
        onBytes: (bytes: Buffer, start: number, end: number) => link.write(bytes, start, end),
        onEnd() {},
        onSent() {},
        onClose() {},
      };
      const link = new NodeLink(new Turn(() => 1), new Slabs(), counts, events, undefined);
      link.attach(new TakingSocket() as unknown as net.Socket);
      return {
        run: () => {
          counts[LINK_WRITTEN_BYTES] = 0;
          link.onRead(ANSWER.length, ANSWER);
          return counts[LINK_WRITTEN_BYTES];
        },
        expected: ANSWER.length,
      };
    },
  },
];
