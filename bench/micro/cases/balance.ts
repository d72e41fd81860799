/** Picking among endpoints, and taking a pooled connection. */
import { Rng } from '../../../base/rng.ts';
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { p2cPicker } from '../../../proxy/balance/p2c.ts';
import type { UpstreamStream } from '../../../proxy/model/exchange.ts';
import { RecentPeak } from '../../../proxy/model/recent-peak.ts';
import { type Http2Connection, Http2Links } from '../../../proxy/pool/http2-links.ts';
import { Pool } from '../../../proxy/pool/pool.ts';
import { Http1Client } from '../../../proxy/session/http1-client.ts';
import { threadQuotas } from '../../../proxy/transport/link-quota.ts';
import { endpointAt } from '../destination.ts';
import type { MicroCase } from '../micro-case.ts';
import { DEAF, SinkLink, SinkTransport } from '../sink-link.ts';

const ENDPOINTS = 3;
/** Of a stream that is never used. */
const NO_OWNER = {
  wheel: new TimerWheel(100, () => 0),
  opened() {},
  failed() {},
  released() {},
  closed() {},
};

const ignore = (): void => undefined;

/** An HTTP/2 connection with room. */
const connectionWith = (streams: number, stream: UpstreamStream): Http2Connection => ({
  ...DEAF,
  capacity: 100 - streams,
  streamsMax: 100,
  streams,
  tunnels: 0,
  tunnelsMax: Number.POSITIVE_INFINITY,
  attach() {},
  open: () => stream,
  close() {},
  giveUp() {},
});

export const balance: readonly MicroCase[] = [
  {
    name: 'recent peak',
    setup: () => {
      const peak = new RecentPeak(10_000);
      return { run: () => peak.note(3, 5_000), expected: 3 };
    },
  },
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
      const dialFrom = undefined;
      const pool = new Pool({ transport, wheel, counts, quota, dialFrom, limitHit: ignore });
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
  {
    name: 'pool stream of an HTTP/2 connection',
    setup: () => {
      const endpoint = endpointAt(8000);
      endpoint.references = 1;
      const stream = new Http1Client(NO_OWNER, '');
      const dialled: Http2Connection[] = [];
      const links = new Http2Links(
        {
          wheel: new TimerWheel(100, () => 0),
          quota: threadQuotas().upstream,
          all: new Set(),
          idle: new Map(),
          keepsIdle: true,
          newConnection: () => {
            const connection = connectionWith(8 - dialled.length, stream);
            dialled.push(connection);
            return connection;
          },
          dial: () => new SinkLink(DEAF),
          limitHit: ignore,
        },
        endpoint,
        '127.0.0.1:8000',
      );
      const waiter = { dialled: ignore, dialFailed: ignore };
      for (let i = 0; i < 301; i++) links.want(waiter);
      for (const connection of dialled) links.opened(connection);
      return { run: () => (links.take() === stream ? dialled.length : 0), expected: 4 };
    },
  },
];
