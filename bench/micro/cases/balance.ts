/** Picking among endpoints, and taking a pooled connection. */
import { Rng } from '../../../base/rng.ts';
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { p2cPicker } from '../../../proxy/balance/p2c.ts';
import type { UpstreamStream } from '../../../proxy/model/exchange.ts';
import { Pool } from '../../../proxy/pool/pool.ts';
import { threadQuotas } from '../../../proxy/transport/link-quota.ts';
import { endpointAt } from '../destination.ts';
import type { MicroCase } from '../micro-case.ts';
import { SinkTransport } from '../sink-link.ts';

const ENDPOINTS = 3;

export const balance: readonly MicroCase[] = [
  {
    name: 'p2c',
    setup: () => {
      const ready = Array.from({ length: ENDPOINTS }, (_, i) => endpointAt(8000 + i));
      const picker = p2cPicker(ready, new Rng(1));
      return { run: () => (picker.pick([]) === undefined ? 0 : 1), expected: 1 };
    },
  },
  {
    name: 'pool take and put back',
    setup: () => {
      const transport = new SinkTransport();
      const wheel = new TimerWheel(100, () => 0);
      const counts = new Float64Array(32);
      const quota = threadQuotas().upstream;
      const limitHit = (): void => undefined;
      const pool = new Pool({ transport, wheel, counts, quota, dialFrom: undefined, limitHit });
      const endpoint = endpointAt(8000);
      endpoint.references = 1;
      let session: UpstreamStream | undefined;
      pool.dial(endpoint, 'http1', {
        dialled: (opened) => (session = opened),
        dialFailed: () => undefined,
      });
      for (const { events } of transport.dialled) events.onOpen();
      wheel.stop();
      if (session !== undefined) pool.putBack(session);
      return {
        run: () => {
          const taken = pool.take(endpoint, 'http1');
          if (taken !== undefined) pool.putBack(taken);
          return endpoint.idle.length;
        },
        expected: 1,
      };
    },
  },
];
