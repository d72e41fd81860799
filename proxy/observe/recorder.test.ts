import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import {
  observedDestination,
  observedExchange,
  outboundLabels,
} from '../../test/support/observed.ts';
import { limits, timeouts } from '../limits.ts';
import { Endpoint } from '../model/endpoint.ts';
import {
  EVENT_ATTEMPT_START,
  EVENT_END,
  EVENT_HEAD_IN,
  EVENT_HEAD_OUT,
  type ObservedExchange,
} from '../model/observation.ts';
import type { SeriesRecord } from '../model/series-labels.ts';
import { Recorder } from './recorder.ts';
import { Series } from './series.ts';

const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };

class Bench {
  nowMs = 0;
  limited = 0;
  readonly added: SeriesRecord[] = [];
  readonly removed: number[] = [];
  readonly recorder = new Recorder(
    {
      added: (series) => this.added.push(series),
      removed: (ids) => this.removed.push(...ids),
      limited: () => this.limited++,
    },
    () => this.nowMs * 1000,
  );

  end(given: Partial<ObservedExchange> = {}): void {
    this.recorder.observe(observedExchange(given), EVENT_END);
  }

  series(at = 0): Series {
    const record = this.added[at] ?? assert.fail(`series ${at} was not added`);
    return new Series(record.shared);
  }

  /** Lets time pass with a sweep each minute, as the thread does. */
  wait(ms: number): void {
    for (let passed = 0; passed < ms; passed += 60_000) {
      this.nowMs += 60_000;
      this.recorder.sweep();
    }
  }
}

test('Recorder counts an exchange once, at its end', () => {
  const bench = new Bench();
  const exchange = observedExchange();
  for (const event of [EVENT_HEAD_IN, EVENT_ATTEMPT_START, EVENT_HEAD_OUT] as const) {
    bench.recorder.observe(exchange, event);
  }
  assert.equal(bench.added.length, 0);
  bench.recorder.observe(exchange, EVENT_END);
  const series = bench.series();
  assert.deepEqual(
    [series.requests, series.cancelled, series.latencySumUs, series.firstByteSumUs],
    [1, 0, 2_000, 1_000],
  );
  assert.deepEqual(series.outcomes(), [
    { status: 200, grpcStatus: undefined, success: true, count: 1 },
  ]);
});

test('Recorder counts what the downstream cancelled apart, without latency or outcome', () => {
  const bench = new Bench();
  bench.end({ cancelled: true, status: 499 });
  const series = bench.series();
  assert.deepEqual(
    [series.requests, series.cancelled, series.latencySumUs, series.outcomes()],
    [1, 1, 0, []],
  );
});

test('Recorder has no first byte where none came', () => {
  const bench = new Bench();
  bench.end({ failed: true, status: 503, firstByteUs: 0 });
  const series = bench.series();
  assert.deepEqual([series.latencySumUs, series.firstByteSumUs], [2_000, 0]);
  assert.equal(Math.max(...series.firstByteCounts), 0);
});

test('Recorder takes a gRPC response without a status for UNKNOWN', () => {
  const bench = new Bench();
  bench.end({ grpc: true });
  bench.end({ grpc: true, grpcStatus: 0 });
  assert.deepEqual(bench.series().outcomes(), [
    { status: 200, grpcStatus: 2, success: false, count: 1 },
    { status: 200, grpcStatus: 0, success: true, count: 1 },
  ]);
});

test('Recorder labels outbound traffic by destination, owner and route, inbound by nothing', () => {
  const bench = new Bench();
  const endpoint = new Endpoint(endpointResource({ owner }));
  const destination = observedDestination();
  const to = { direction: 'outbound', destination, endpoint, route: 'GET /a' } as const;
  bench.end(to);
  bench.end({ ...to, direction: 'inbound', route: '' });
  bench.end({ direction: 'outbound' });
  assert.deepEqual(
    bench.added.map(({ labels }) => labels),
    [
      outboundLabels({ route: 'GET /a' }),
      { ...EMPTY, direction: 'inbound' },
      { ...EMPTY, direction: 'outbound' },
    ],
  );
});

test('Recorder counts all addresses outside the mesh as one, port by port', () => {
  const bench = new Bench();
  for (const [authority, port] of [
    ['192.0.2.1:80', 80],
    ['192.0.2.2:80', 80],
    ['192.0.2.2:81', 81],
  ] as const) {
    const known = { authority, service: '', namespace: '', port, outside: true };
    const destination = observedDestination(known);
    bench.end({ direction: 'outbound', destination, endpoint: new Endpoint(endpointResource()) });
  }
  assert.deepEqual(
    bench.added.map(({ labels }) => labels),
    [80, 81].map((dstPort) => ({
      ...EMPTY,
      direction: 'outbound',
      authority: 'unknown',
      dstPort,
    })),
  );
  assert.equal(bench.series(0).requests, 2);
});

const EMPTY = outboundLabels({
  authority: '',
  dstNamespace: '',
  dstService: '',
  dstPort: 0,
  dstWorkloadKind: '',
  dstWorkload: '',
});

test('Recorder keeps one series for equal labels, also after a new version or another pod', () => {
  const bench = new Bench();
  for (const id of ['a', 'b']) {
    const destination = observedDestination();
    const endpoint = new Endpoint(endpointResource({ id, owner: { ...owner, pod: id } }));
    bench.end({ direction: 'outbound', destination, endpoint });
    bench.recorder.sweep();
    bench.end({ direction: 'outbound', destination, endpoint });
  }
  assert.equal(bench.added.length, 1);
  assert.equal(bench.series().requests, 4);
});

test('Recorder counts in "other" what is past its limit, and says how much that is', () => {
  const bench = new Bench();
  const destination = observedDestination();
  const route = (i: number) =>
    ({ direction: 'outbound', destination, route: `GET /word${i}` }) as const;
  for (let i = 0; i < limits.seriesMax; i++) bench.end(route(i));
  assert.deepEqual([bench.added.length, bench.limited], [limits.seriesMax, 0]);
  for (let i = 0; i < 3; i++) bench.end(route(limits.seriesMax + i));
  bench.end(route(limits.seriesMax));
  bench.end(route(0));
  assert.deepEqual([bench.added.length, bench.limited], [limits.seriesMax + 1, 3]);
  const { labels } = bench.added.at(-1)!;
  assert.deepEqual(
    [labels.direction, labels.authority, labels.dstService, labels.route],
    ['outbound', 'other', '', '[other]'],
  );
  assert.equal(bench.series(limits.seriesMax).requests, 4);
  assert.equal(bench.series(0).requests, 2);
});

test('Recorder drops a series after ten idle minutes, and begins it anew', () => {
  const bench = new Bench();
  const destination = observedDestination();
  const idle = { direction: 'outbound', destination, route: 'idle' } as const;
  const busy = { direction: 'outbound', destination, route: 'busy' } as const;
  bench.end(idle);
  for (let minute = 0; minute < timeouts.seriesIdleMs / 60_000; minute++) {
    bench.end(busy);
    bench.wait(60_000);
  }
  assert.equal(bench.removed.length, 0);
  bench.end(busy);
  bench.wait(120_000);
  const [idleSeries, busySeries] = bench.added;
  assert.deepEqual(bench.removed, [idleSeries?.id]);
  bench.end(idle);
  bench.end(busy);
  assert.equal(bench.added.length, 3);
  assert.notEqual(bench.added[2]?.id, idleSeries?.id);
  assert.equal(bench.series(2).requests, 1);
  assert.ok(!bench.removed.includes(busySeries?.id ?? 0));
});
