/** What a link does besides its system calls: staging, the turn, one write. */
import { EventEmitter } from 'node:events';
import { openSync } from 'node:fs';
import type net from 'node:net';
import { devNull } from 'node:os';
import { writeDescriptor } from '../../../base/libc.ts';
import { LINK_COUNTS, LINK_WRITTEN_BYTES } from '../../../proxy/transport/link.ts';
import { NodeLink } from '../../../proxy/transport/node-link.ts';
import { Slabs } from '../../../proxy/transport/slabs.ts';
import { Turn } from '../../../proxy/transport/turn.ts';
import { ANSWER } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

/** A socket whose kernel takes everything, at the price of a system call. */
class TakingSocket extends EventEmitter {
  readonly _handle = { fd: openSync(devNull, 'w') };
  readonly connecting = false;
  readonly writableLength = 0;
  write(): boolean {
    return true;
  }
}

export const transport: readonly MicroCase[] = [
  {
    name: 'libc write to nowhere',
    setup: () => {
      const descriptor = openSync(devNull, 'w');
      const bytes = Buffer.allocUnsafeSlow(4096);
      return { run: () => writeDescriptor(descriptor, bytes, 200), expected: 200 };
    },
  },
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
