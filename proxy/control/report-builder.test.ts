import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TelemetryReport } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { TelemetryService } from '../../api/gen/culvert/proxy/v1/telemetry_service.ts';
import { recordLatency } from '../../api/histogram.ts';
import { outboundLabels } from '../../test/support/observed.ts';
import type { SeriesLabels } from '../model/series-labels.ts';
import { Meter } from '../observe/meter.ts';
import { Series } from '../observe/series.ts';
import { SharedCounts, countsOfThreads, shareCounts } from '../observe/shared-counts.ts';
import { LINK_CLOSED, LINK_OPENED, LINK_READ_BYTES } from '../transport/link.ts';
import { ReportBuilder, type ReportParts, TELEMETRY_REPORT } from './report-session.ts';

const identity = { namespace: 'demo', pod: 'web-1', instance: 'i' };
const NO_GRPC = -1;

class Bench {
  readonly meter = new Meter();
  readonly counts = new SharedCounts();
  readonly parts: ReportParts = {
    identity,
    meter: this.meter,
    counts: [this.counts],
  };
  #nextId = 1;

  add(labels: SeriesLabels, thread = 0): Series {
    const series = new Series();
    this.meter.add(thread, { id: this.#nextId++, labels, shared: series.shared });
    return series;
  }
}

/** The next report, as the controller reads it. */
const next = (builder: ReportBuilder, { parts }: Bench): TelemetryReport =>
  TelemetryReport.decode(TelemetryReport.encode(builder.next(parts)).finish());

function count(series: Series, us: number): void {
  series.addLatency(recordLatency(series.latencyCounts, us));
  series.addOutcome(200, NO_GRPC, true);
  series.addRequest();
}

test('reports go to the method of the proto', () => {
  assert.equal(TELEMETRY_REPORT.path, TelemetryService.report.path);
});

test('ReportBuilder names the reporter in the first report, and numbers them all', () => {
  const bench = new Bench();
  const builder = new ReportBuilder();
  const [first, second] = [next(builder, bench), next(builder, bench)];
  assert.deepEqual([first?.reporter, first?.sequence], [identity, 1]);
  assert.deepEqual([second?.reporter, second?.sequence], [undefined, 2]);
  assert.equal(first?.epoch, second?.epoch);
  const startedMs = (first?.epoch ?? 0) / 1_000;
  assert.ok(Math.abs(startedMs - performance.timeOrigin) < 1_000, String(startedMs));
});

test('ReportBuilder tells cumulative counts, and only of series that changed', () => {
  const bench = new Bench();
  const builder = new ReportBuilder();
  const series = bench.add(outboundLabels({ route: 'GET /a' }));
  count(series, 1_000);
  const first = next(builder, bench);
  assert.equal(first.definitions.length, 3, 'the plain ones too');
  assert.deepEqual(next(builder, bench).counts, []);
  count(series, 3_000);
  const { counts, definitions } = next(builder, bench);
  assert.deepEqual(definitions, []);
  assert.equal(counts.length, 1);
  const [told] = counts;
  assert.equal(told?.id, first.definitions.find(({ route }) => route === 'GET /a')?.id);
  assert.equal(told?.requests, 2);
  assert.deepEqual(told?.outcomes, [
    { statusCode: 200, grpcStatus: undefined, success: true, count: 2 },
  ]);
  assert.deepEqual([told?.latencyUs?.sumUs, told?.latencyUs?.count], [4_000, [1, 1]]);
});

test('ReportBuilder tells what was cancelled, though nothing was answered', () => {
  const bench = new Bench();
  const builder = new ReportBuilder();
  const series = bench.add(outboundLabels());
  next(builder, bench);
  series.addCancelled();
  series.addRequest();
  const [told] = next(builder, bench).counts;
  assert.deepEqual([told?.cancelled, told?.outcomes], [1, []]);
});

test('ReportBuilder of a new stream defines and counts all that was ever counted', () => {
  const bench = new Bench();
  const old = new ReportBuilder();
  for (const route of ['idle', 'busy']) count(bench.add(outboundLabels({ route })), 1_000);
  next(old, bench);
  next(old, bench);
  const { counts, definitions, reporter, sequence } = next(new ReportBuilder(), bench);
  assert.deepEqual([reporter, sequence], [identity, 1]);
  assert.deepEqual(
    definitions.map(({ route }) => route),
    ['', '', 'idle', 'busy'],
  );
  assert.deepEqual(
    counts.map(({ requests }) => requests),
    [0, 0, 1, 1],
  );
});

test('ReportBuilder adds up what the threads have counted', () => {
  const bench = new Bench();
  count(bench.add(outboundLabels(), 0), 1_000);
  count(bench.add(outboundLabels(), 1), 1_000);
  bench.meter.retire(0, 0);
  const told = next(new ReportBuilder(), bench).counts.find(({ requests }) => requests > 0);
  assert.equal(told?.requests, 2);
  assert.equal(
    told?.outcomes.reduce((sum, one) => sum + one.count, 0),
    2,
  );
  assert.deepEqual([told?.latencyUs?.count, told?.latencyUs?.sumUs], [[2], 2_000]);
});

test('ReportBuilder tells the connections of a direction with its plain series, as they change', () => {
  const bench = new Bench();
  const builder = new ReportBuilder();
  next(builder, bench);
  const links = bench.counts.links('inbound', 'src');
  links[LINK_OPENED] = 3;
  links[LINK_CLOSED] = 1;
  links[LINK_READ_BYTES] = 500;
  bench.counts.links('inbound', 'dst')[LINK_OPENED] = 9;
  const { counts } = next(builder, bench);
  assert.deepEqual(
    counts.map(({ tcpOpened, tcpClosed, readBytes, writeBytes }) => [
      tcpOpened,
      tcpClosed,
      readBytes,
      writeBytes,
    ]),
    [[3, 1, 500, 0]],
  );
  assert.deepEqual(next(builder, bench).counts, []);
});

test('ReportBuilder tells the connections of all threads together', () => {
  const bench = new Bench();
  const threads = countsOfThreads(shareCounts(2));
  threads.forEach((counts, n) => (counts.links('inbound', 'src')[LINK_OPENED] = 10 ** n));
  const builder = new ReportBuilder();
  const opened = (): number[] =>
    builder.next({ ...bench.parts, counts: threads }).counts.map(({ tcpOpened }) => tcpOpened);
  assert.deepEqual(opened(), [11, 0]);
  threads[1]!.links('inbound', 'src')[LINK_OPENED]! += 1;
  assert.deepEqual(opened(), [12], 'a change in any of them is told');
});

test('ReportBuilder says once that a series was dropped', () => {
  const bench = new Bench();
  const builder = new ReportBuilder();
  count(bench.add(outboundLabels()), 1_000);
  const id = next(builder, bench).definitions.at(-1)?.id;
  bench.meter.remove(0, [1]);
  assert.deepEqual(next(builder, bench).removed, [id]);
  assert.deepEqual(next(builder, bench).removed, []);
  count(bench.add(outboundLabels()), 1_000);
  const { definitions } = next(builder, bench);
  assert.equal(definitions.length, 1);
  assert.notEqual(definitions[0]?.id, id);
});
