/** Telling gRPC from the rest. */
import { isGrpc } from '../../../proxy/codec/grpc/content-type.ts';
import { RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

export const grpc: readonly MicroCase[] = [
  {
    name: 'grpc content-type',
    setup: () => {
      const head = headOf(RESPONSE, 'response');
      return { run: () => (isGrpc(head) ? 1 : 0), expected: 0 };
    },
  },
];
