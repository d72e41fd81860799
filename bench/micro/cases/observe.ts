/** What counting an exchange costs. */
import { LATENCY_SLOTS, recordLatency } from '../../../api/histogram.ts';
import { EVENT_END, type ObservedExchange } from '../../../proxy/model/observation.ts';
import { Recorder } from '../../../proxy/observe/recorder.ts';
import { Series } from '../../../proxy/observe/series.ts';
import { destination } from '../destination.ts';
import type { MicroCase } from '../micro-case.ts';

const LATENCY_US = 1_234;

function ended(): ObservedExchange {
  const to = destination();
  return {
    direction: 'outbound',
    destination: to,
    endpoint: to.endpoints[0],
    route: 'GET /api/users/{id}/cart',
    startUs: 1_000,
    firstByteUs: 1_900,
    endUs: 1_000 + LATENCY_US,
    status: 200,
    grpcStatus: -1,
    grpc: false,
    failed: false,
    cancelled: false,
  };
}

export const observe: readonly MicroCase[] = [
  {
    name: 'histogram record',
    setup: () => {
      const counts = new Uint32Array(LATENCY_SLOTS);
      return { run: () => recordLatency(counts, LATENCY_US + 0.5), expected: LATENCY_US };
    },
  },
  {
    name: 'series outcome',
    setup: () => {
      const series = new Series();
      return {
        run: () => {
          series.addOutcome(200, -1, true);
          return 1;
        },
        expected: 1,
      };
    },
  },
  {
    name: 'recorder end',
    setup: () => {
      let added = 0;
      const events = {
        added: () => void added++,
        removed: () => undefined,
        limited: () => undefined,
      };
      const recorder = new Recorder(events, () => 1);
      const exchange = ended();
      return {
        run: () => {
          recorder.observe(exchange, EVENT_END);
          return added;
        },
        expected: 1,
      };
    },
  },
];
