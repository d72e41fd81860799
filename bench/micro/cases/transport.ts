/** What a link does besides its system calls: staging, the turn, one write. */
import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import { writeDescriptor } from '../../../base/libc.ts';
import { LINK_COUNTS, LINK_WRITTEN_BYTES } from '../../../proxy/transport/link.ts';
import { NodeLink } from '../../../proxy/transport/node-link.ts';
import { Slabs } from '../../../proxy/transport/slabs.ts';
import type { TcpHandle } from '../../../proxy/transport/tcp-handle.ts';
import { Turn } from '../../../proxy/transport/turn.ts';
import { ANSWER } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

/** A connection whose kernel takes everything, at the price of a system call. */
const TAKES_ALL = {
  fd: openSync(devNull, 'w'),
  readStart: () => 0,
  useUserBuffer() {},
} as unknown as TcpHandle;

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
      const thread = { turn: new Turn(() => 1), slabs: new Slabs(), readBuffer: ANSWER };
      const link = new NodeLink(thread, counts, events);
      link.accepted(TAKES_ALL);
      return {
        run: () => {
          counts[LINK_WRITTEN_BYTES] = 0;
          link.onRead(ANSWER.length);
          return counts[LINK_WRITTEN_BYTES];
        },
        expected: ANSWER.length,
      };
    },
  },
];
