import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type {
  SeriesCounts,
  SeriesDefinition,
  TelemetryReport,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { LATENCY_SLOTS, latencyQuantilesUs } from '../../api/histogram.ts';
import { TelemetryStore } from './store.ts';
import type { ReportStream } from './store.ts';
import { windowSpan } from './window.ts';

/** On a boundary of the minute slots. */
const START_MS = 1_700_000_040_000;
const EPOCH_US = (START_MS + 1_000) * 1_000;

function harness(bytesMax = 64 * 1_024 * 1_024) {
  const clock = { nowMs: START_MS };
  const store = new TelemetryStore({
    now: () => clock.nowMs,
    startedAtUs: START_MS * 1_000,
    bytesMax,
    ownerOf: () => undefined,
  });
  /** Sums over all series. */
  const totals = (windowSeconds = 600) => {
    const sums = {
      success: 0,
      failure: 0,
      cancelled: 0,
      readBytes: 0,
      writeBytes: 0,
      latency: new Float64Array(LATENCY_SLOTS),
    };
    const span = windowSpan(windowSeconds, clock.nowMs, store.startedAtMs);
    for (const series of store.series) series.recent.addTo(sums, span);
    return sums;
  };
  const open = (epoch = EPOCH_US, instance = 'i'): ReportStream =>
    store.openStream({ namespace: 'demo', pod: 'web-1', instance }, epoch);
  return { clock, store, totals, open };
}

const definition = (id: number, route = ''): SeriesDefinition => ({
  id,
  direction: Direction.DIRECTION_OUTBOUND,
  authority: 'api.demo.svc.cluster.local:80',
  dstNamespace: 'demo',
  dstService: 'api',
  dstPort: 80,
  dstWorkloadKind: 'deployment',
  dstWorkload: 'api',
  dstPod: 'api-1',
  route,
  tls: 'disabled',
});

const counts = (id: number, success: number, rest: Partial<SeriesCounts> = {}): SeriesCounts => ({
  id,
  requests: success,
  outcomes: [{ statusCode: 200, success: true, count: success }],
  cancelled: 0,
  latencyUs: {
    indexDelta: success === 0 ? [] : [101],
    count: success === 0 ? [] : [success],
    sumUs: 0,
  },
  firstByteUs: undefined,
  tcpOpened: 0,
  tcpClosed: 0,
  readBytes: 0,
  writeBytes: 0,
  ...rest,
});

const report = (sequence: number, rest: Partial<TelemetryReport>): TelemetryReport => ({
  reporter: undefined,
  epoch: EPOCH_US,
  sequence,
  definitions: [],
  counts: [],
  removed: [],
  ...rest,
});

test('TelemetryStore counts each request once, whether reports repeat or are lost', () => {
  const { totals, open, store } = harness();
  const stream = open();
  stream.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 5)] }));
  assert.equal(totals().success, 5);
  stream.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 5)] }));
  stream.apply(report(2, { counts: [counts(1, 5)] }));
  assert.equal(totals().success, 5);
  // Reports 3 and 4 never came.
  stream.apply(report(5, { counts: [counts(1, 12)] }));
  assert.equal(totals().success, 12);
  stream.apply(report(4, { counts: [counts(1, 9)] }));
  assert.equal(totals().success, 12);
  assert.equal(store.counters.staleReports, 2);
  assert.equal(latencyQuantilesUs(totals().latency, [0.5])?.length, 1);
});

test('TelemetryStore matches series by their labels when a proxy reconnects', () => {
  const { totals, open, store } = harness();
  const first = open();
  first.apply(
    report(1, {
      definitions: [definition(1), definition(2, '/a')],
      counts: [counts(1, 5), counts(2, 3)],
    }),
  );
  const second = open();
  first.apply(report(9, { counts: [counts(1, 100)] }));
  second.apply(
    report(1, {
      definitions: [definition(7, '/a'), definition(8)],
      counts: [counts(7, 4), counts(8, 5)],
    }),
  );
  first.end();
  assert.equal(totals().success, 9);
  assert.equal(store.series.size, 2);
  assert.notEqual(store.reporters.get('demo/web-1')?.stream, undefined);
  second.end();
  assert.equal(store.reporters.get('demo/web-1')?.stream, undefined);
});

test('TelemetryStore counts a new epoch from zero and ignores the old one', () => {
  const { totals, open } = harness();
  const before = open();
  const given = { tcpOpened: 4, tcpClosed: 1 };
  before.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 5, given)] }));
  const after = open(EPOCH_US + 1);
  after.apply(
    report(1, { epoch: EPOCH_US + 1, definitions: [definition(1)], counts: [counts(1, 2)] }),
  );
  assert.equal(totals().success, 7);
  const late = open(EPOCH_US);
  late.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 50)] }));
  assert.equal(totals().success, 7);
});

test('TelemetryStore counts another start of a proxy from zero though its clock was set back', () => {
  const { totals, open, store } = harness();
  open().apply(report(1, { definitions: [definition(1)], counts: [counts(1, 5)] }));
  const epoch = EPOCH_US - 500_000;
  const again = open(epoch, 'j');
  again.apply(report(1, { epoch, definitions: [definition(1)], counts: [counts(1, 7)] }));
  again.apply(report(2, { epoch, counts: [counts(1, 8)] }));
  assert.equal(totals().success, 13);
  assert.equal(store.counters.staleReports, 0);
});

test('TelemetryStore does not count what happened before it began, only what follows', () => {
  const { totals, open } = harness();
  const epoch = (START_MS - 60_000) * 1_000;
  const stream = open(epoch);
  stream.apply(report(1, { epoch, definitions: [definition(1)], counts: [counts(1, 1_000)] }));
  assert.equal(totals().success, 0);
  stream.apply(
    report(2, {
      epoch,
      definitions: [definition(2, '/new')],
      counts: [counts(1, 1_003), counts(2, 4)],
    }),
  );
  assert.equal(totals().success, 7);
});

test('TelemetryStore counts a series from zero again after the proxy removed it', () => {
  const { totals, open, store } = harness();
  const stream = open();
  stream.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 5)] }));
  stream.apply(report(2, { removed: [1, 99] }));
  stream.apply(report(3, { counts: [counts(1, 6)] }));
  assert.equal(store.counters.refusedCounts, 1, 'a removed id is never used again');
  stream.apply(report(4, { definitions: [definition(2)], counts: [counts(2, 3)] }));
  assert.equal(totals().success, 8);
  // The removal was lost with its stream: counts that shrank say it too.
  const again = open();
  again.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 1)] }));
  assert.equal(totals().success, 9);
});

test('TelemetryStore keeps failures, cancellations, bytes and open connections apart', () => {
  const { totals, open, store } = harness();
  const outcomes = [
    { statusCode: 200, success: true, count: 3 },
    { statusCode: 500, success: false, count: 2 },
    { statusCode: 200, grpcStatus: 14, success: false, count: 1 },
  ];
  const rest = {
    outcomes,
    cancelled: 4,
    tcpOpened: 9,
    tcpClosed: 2,
    readBytes: 10,
    writeBytes: 20,
  };
  open().apply(report(1, { definitions: [definition(1)], counts: [counts(1, 6, rest)] }));
  const { success, failure, cancelled, readBytes, writeBytes } = totals();
  assert.deepEqual([success, failure, cancelled, readBytes, writeBytes], [3, 3, 4, 10, 20]);
  assert.equal([...store.series][0]?.openConnections, 7);
});

const links = (readBytes: number): Partial<SeriesCounts> => ({
  tcpOpened: 3,
  tcpClosed: 1,
  readBytes,
});

test('TelemetryStore counts links on when exchanges begin anew, and the other way round', () => {
  const { totals, open } = harness();
  const stream = open();
  const read = (): number[] => [totals().success, totals().readBytes];
  stream.apply(report(1, { definitions: [definition(1)], counts: [counts(1, 9, links(1_000))] }));
  stream.apply(report(2, { counts: [counts(1, 2, links(1_001))] }));
  assert.deepEqual(read(), [11, 1_001], 'exchanges anew');
  stream.apply(report(3, { counts: [counts(1, 3, links(10))] }));
  assert.deepEqual(read(), [12, 1_011], 'links anew');
  // More requests than before the new beginning, but other latencies.
  const latencyUs = { indexDelta: [50], count: [4], sumUs: 0 };
  stream.apply(report(4, { counts: [counts(1, 4, { ...links(11), latencyUs })] }));
  assert.deepEqual(read(), [16, 1_012], 'latencies anew');
});

test('TelemetryStore rolls its windows: 10 s slots for 10 min, 1 min slots for an hour', () => {
  const { totals, open, clock, store } = harness();
  const stream = open();
  const at = (seconds: number, total: number, sequence: number): void => {
    clock.nowMs = START_MS + seconds * 1_000;
    stream.apply(report(sequence, { definitions: [definition(1)], counts: [counts(1, total)] }));
  };
  at(5, 1, 1);
  at(65, 11, 2);
  at(125, 111, 3);
  assert.equal(totals(10).success, 100);
  assert.equal(totals(60).success, 110, 'whole slots: from 60 s before, down to a slot boundary');
  assert.equal(totals(3_600).success, 111);
  clock.nowMs = START_MS + 700_000;
  assert.equal(totals(600).success, 100);
  assert.equal(totals(3_600).success, 111);
  clock.nowMs = START_MS + 3_725_000;
  store.tick();
  assert.equal(totals(3_600).success, 100);
  clock.nowMs = START_MS + 7_400_000;
  store.tick();
  assert.equal(totals(3_600).success, 0);
  assert.equal(store.series.size, 1, 'the proxy still counts on');
  stream.apply(report(4, { counts: [counts(1, 112)] }));
  assert.equal(totals(10).success, 1);
  stream.end();
  clock.nowMs += 7_400_000;
  store.tick();
  assert.deepEqual([store.series.size, store.reporters.size, store.bytes], [0, 0, 0]);
});

test('windowSpan covers no more time than was counted', () => {
  const cases: [number, number, number, number][] = [
    [60, 5, 0, 5],
    [60, 0, 0, 1],
    [60, 65, 0, 65],
    [60, 75, 0, 65],
    [10, 100, 0, 10],
    [10, 109, 0, 19],
    [600, 1_000, 990, 10],
    [601, 1_230, 0, 630],
  ];
  for (const [windowSeconds, nowSeconds, sinceSeconds, covered] of cases) {
    const span = windowSpan(windowSeconds, nowSeconds * 1_000, sinceSeconds * 1_000);
    assert.equal(span.coveredSeconds, covered, JSON.stringify([windowSeconds, nowSeconds]));
  }
});

test('TelemetryStore drops the series idle for longest at its cap, and counts none twice', () => {
  const { totals, open, clock, store } = harness(20_000);
  const stream = open();
  const routes = 30;
  stream.apply(
    report(1, {
      definitions: Array.from({ length: routes }, (_, i) => definition(i, `/${i}`)),
      counts: Array.from({ length: routes }, (_, i) => counts(i, 10)),
    }),
  );
  assert.ok(store.bytes <= 20_000, `${store.bytes} bytes`);
  const kept = store.series.size;
  assert.equal(store.counters.droppedSeries, routes - kept);
  assert.ok(kept > 3 && kept < routes, `${kept} series`);
  assert.equal(totals().success, 10 * kept);
  clock.nowMs += 1_000;
  // The first one was dropped: what it counted before is not news when it comes back.
  stream.apply(report(2, { counts: [counts(0, 12)] }));
  stream.apply(report(3, { counts: [counts(0, 15)] }));
  const back = [...store.series].find((series) => series.definition.route === '/0');
  const sums = { success: 0, failure: 0, cancelled: 0, readBytes: 0, writeBytes: 0 };
  const zero = { ...sums, latency: new Float64Array(LATENCY_SLOTS) };
  back?.recent.addTo(zero, windowSpan(60, clock.nowMs, START_MS));
  assert.equal(zero.success, 3);
  assert.ok(store.bytes <= 20_000);
});

test('TelemetryStore refuses counts of an unknown id or another layout, and endless definitions', () => {
  const { totals, open, store } = harness();
  const stream = open();
  const alien = { indexDelta: [LATENCY_SLOTS + 1], count: [1], sumUs: 0 };
  stream.apply(
    report(1, {
      definitions: [definition(1)],
      counts: [counts(2, 5), counts(1, 5, { latencyUs: alien })],
    }),
  );
  assert.equal(store.counters.refusedCounts, 2);
  assert.equal(totals().success, 0);
  const many = Array.from({ length: 10_001 }, (_, i) => definition(i, `/${i}`));
  assert.equal(
    stream.apply(report(2, { definitions: many })),
    'a stream defines at most 10000 series',
  );
});
