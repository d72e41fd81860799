/** Upgrades: what a request offers, and bytes of a tunnel from one link through an exchange to another. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { offeredProtocols } from '../../../proxy/codec/http1/upgrade.ts';
import type { RequestSink, ResponseSink } from '../../../proxy/model/exchange.ts';
import { TunnelEnd } from '../../../proxy/session/tunnel-end.ts';
import { DownstreamSide, UpstreamSide } from '../../../proxy/session/tunnel-sides.ts';
import { headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { NOTHING } from '../server-side.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

const BYTES = Buffer.alloc(16_384, 'x');
const ASKS = Buffer.from(
  'GET /live HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);

export const upgrade: readonly MicroCase[] = [
  {
    name: 'upgrade offered',
    setup: () => {
      const head = headOf(ASKS, 'request');
      return { run: () => offeredProtocols(head).length, expected: 1 };
    },
  },
  {
    name: 'tunnel-end 16 KiB',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      const from = new SinkLink(DEAF);
      const to = new SinkLink(DEAF);
      const request: RequestSink = {
        ...NOTHING,
        requestData: (bytes, start, end) => up.write(bytes, start, end),
      };
      const answer: ResponseSink = { ...NOTHING, requestCredit: (bytes) => down.credit(bytes) };
      const down = new TunnelEnd(wheel, from, new DownstreamSide(request, () => undefined));
      const up = new TunnelEnd(wheel, to, new UpstreamSide(answer, 'web:80', () => undefined));
      from.events = down;
      to.events = up;
      wheel.stop();
      return {
        run: () => {
          from.events.onBytes(BYTES, 0, BYTES.length);
          return to.settle();
        },
        expected: BYTES.length,
      };
    },
  },
];
