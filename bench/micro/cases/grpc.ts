/** Telling gRPC from the rest, and what its fields say. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { Deadline } from '../../../proxy/attempt/deadline.ts';
import { readGrpcStatus } from '../../../proxy/attempt/grpc-status.ts';
import { isGrpc } from '../../../proxy/codec/grpc/content-type.ts';
import { readGrpcTimeoutUs } from '../../../proxy/codec/grpc/timeout.ts';
import { RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

/** As a client library sends it. */
const CALL = Buffer.from(
  [
    'POST /demo.v1.Cart/Add HTTP/1.1',
    'Host: cart.demo.svc.cluster.local:8080',
    'te: trailers',
    'content-type: application/grpc',
    'user-agent: grpc-client/1.14.0',
    'grpc-timeout: 4997m',
    'grpc-accept-encoding: identity,deflate,gzip',
    '',
    '',
  ].join('\r\n'),
);
const TRAILERS_ONLY = Buffer.from(
  'HTTP/1.1 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 14\r\n\r\n',
);

export const grpc: readonly MicroCase[] = [
  {
    name: 'grpc content-type',
    setup: () => {
      const head = headOf(RESPONSE, 'response');
      return { run: () => (isGrpc(head) ? 1 : 0), expected: 0 };
    },
  },
  {
    name: 'grpc timeout',
    setup: () => {
      const head = headOf(CALL, 'request');
      return { run: () => readGrpcTimeoutUs(head), expected: 4_997_000 };
    },
  },
  {
    name: 'grpc deadline',
    setup: () => {
      const head = headOf(CALL, 'request');
      const wheel = new TimerWheel(100, () => 0);
      const deadline = new Deadline(
        wheel,
        () => 1,
        () => undefined,
      );
      // On a data thread the wheel always runs: idle connections have timers.
      const other = new Deadline(
        wheel,
        () => 1,
        () => undefined,
      );
      other.begin(head, 1);
      return {
        run: () => {
          deadline.begin(head, 1);
          const asked = deadline.passOn(head);
          deadline.end();
          return asked ? 1 : 0;
        },
        expected: 1,
      };
    },
  },
  {
    name: 'grpc status',
    setup: () => {
      const head = headOf(TRAILERS_ONLY, 'response');
      return { run: () => readGrpcStatus(head), expected: 14 };
    },
  },
];
