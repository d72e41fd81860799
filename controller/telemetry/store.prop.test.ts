import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type {
  SeriesDefinition,
  TelemetryReport,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { LATENCY_SLOTS } from '../../api/histogram.ts';
import { TelemetryStore } from './store.ts';
import type { ReportStream } from './store.ts';
import { windowSpan } from './window.ts';

const START_MS = 1_700_000_040_000;
const SERIES = 3;

const definitionOf = (id: number, series: number): SeriesDefinition => ({
  id,
  direction: Direction.DIRECTION_OUTBOUND,
  authority: 'api.demo.svc.cluster.local:80',
  dstNamespace: 'demo',
  dstService: 'api',
  dstPort: 80,
  dstWorkloadKind: 'deployment',
  dstWorkload: 'api',
  dstPod: 'api-1',
  route: `/${series}`,
  tls: 'disabled',
});

/** A proxy that counts, and reports as the protocol says. */
class Proxy {
  readonly #store: TelemetryStore;
  #epoch = START_MS * 1_000 + 1;
  #counted: number[] = Array(SERIES).fill(0);
  #ids: (number | undefined)[] = [];
  #nextId = 1;
  #sequence = 0;
  #stream: ReportStream | undefined;
  #last: TelemetryReport | undefined;
  /** What the store has heard of: the earlier epochs' last words, and this epoch's. */
  #heardBefore = 0;
  #heard: number[] = Array(SERIES).fill(0);

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  get heard(): number {
    return this.#heard.reduce((sum, count) => sum + count, this.#heardBefore);
  }

  count(series: number, requests: number): void {
    this.#counted[series] = (this.#counted[series] ?? 0) + requests;
  }

  report(): void {
    const stream = (this.#stream ??= this.#connect());
    const definitions = this.#counted.flatMap((count, series) => {
      if (count === 0 || this.#ids[series] !== undefined) return [];
      const id = this.#nextId++;
      this.#ids[series] = id;
      return [definitionOf(id, series)];
    });
    this.#last = {
      reporter: undefined,
      epoch: this.#epoch,
      sequence: ++this.#sequence,
      definitions,
      counts: this.#counted.flatMap((count, series) => this.#countsOf(series, count)),
      removed: [],
    };
    stream.apply(this.#last);
    this.#heard = [...this.#counted];
  }

  repeat(): void {
    if (this.#last !== undefined) this.#stream?.apply(this.#last);
  }

  skip(): void {
    this.#sequence++;
  }

  disconnect(): void {
    this.#stream?.end();
    this.#stream = undefined;
    this.#last = undefined;
  }

  restart(): void {
    this.disconnect();
    this.#heardBefore = this.heard;
    this.#heard.fill(0);
    this.#counted.fill(0);
    this.#epoch++;
  }

  #connect(): ReportStream {
    this.#ids = [];
    this.#sequence = 0;
    return this.#store.openStream({ namespace: 'demo', pod: 'web-1', instance: 'i' }, this.#epoch);
  }

  #countsOf(series: number, count: number): TelemetryReport['counts'] {
    const id = this.#ids[series];
    if (id === undefined) return [];
    const counts = {
      id,
      requests: count,
      outcomes: [{ statusCode: 200, success: true, count }],
      cancelled: 0,
      latencyUs: { indexDelta: [series + 1], count: [count], sumUs: 0 },
      firstByteUs: undefined,
      tcpOpened: 0,
      tcpClosed: 0,
      readBytes: 0,
      writeBytes: 0,
    };
    return [counts];
  }
}

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ count: fc.nat(SERIES - 1), requests: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.constant('report' as const) },
  fc.constantFrom('repeat' as const, 'skip' as const, 'disconnect' as const, 'restart' as const),
);

test('TelemetryStore holds what was reported, exactly, whatever happens to reports and streams', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const clock = { nowMs: START_MS };
      const store = new TelemetryStore({
        now: () => clock.nowMs,
        startedAtUs: START_MS * 1_000,
        bytesMax: 1_000_000,
        ownerOf: () => undefined,
      });
      const proxy = new Proxy(store);
      for (const step of actions) {
        clock.nowMs += 1_000;
        if (typeof step === 'string') proxy[step]();
        else proxy.count(step.count, step.requests);
        const totals = {
          success: 0,
          failure: 0,
          cancelled: 0,
          readBytes: 0,
          writeBytes: 0,
          latency: new Float64Array(LATENCY_SLOTS),
        };
        const span = windowSpan(600, clock.nowMs, START_MS);
        for (const series of store.series) series.recent.addTo(totals, span);
        assert.equal(totals.success, proxy.heard);
        assert.equal(
          totals.latency.reduce((sum, count) => sum + count),
          proxy.heard,
        );
        const bytes = [...store.series].map((series) => series.bytes);
        assert.equal(
          store.bytes,
          bytes.reduce((sum, each) => sum + each, 0),
        );
      }
    }),
    { numRuns: 300 },
  );
});
