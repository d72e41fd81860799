import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Log } from '../../base/log.ts';
import { eventually } from '../../test/support/deadline.ts';
import { dial } from '../../test/support/scripted-peer.ts';
import { shareNeighbours } from '../accept/neighbours.ts';
import type { BoundListeners, ThreadConfig } from '../model/thread.ts';
import { shareGcCounts } from '../observe/gc-counts.ts';
import { GAUGE_LOOP_TICKS, SharedCounts } from '../observe/shared-counts.ts';
import { DataThread } from './data-thread.ts';

const HANG_TIMES = { watchMs: 20, hangMs: 3_000 };

/** A thread that listens on one port, and what is heard of it. */
function start(t: TestContext, ticksOf: (counts: SharedCounts) => number) {
  const counts = new SharedCounts();
  const free = { host: '127.0.0.1', port: 0 };
  const heard = { ready: [] as BoundListeners[], died: 0, lines: [] as string[] };
  const config = (): ThreadConfig => ({
    thread: 0,
    inbound: [
      { listen: heard.ready[0]?.inbound[0] ?? free, forward: { host: '127.0.0.1', port: 1 } },
    ],
    outbound: [],
    wayOut: [],
    destinations: [],
    controlled: false,
    dns: false,
    dialFrom: undefined,
    drainQuietMs: 0,
    logLevel: 'error',
    seed: 1,
    limits: {},
    counts: counts.shared,
    gc: shareGcCounts(),
    neighbours: shareNeighbours(1),
  });
  const log = new Log('test', 'info', Date.now, (line) => void heard.lines.push(line));
  const events = {
    ready: (listeners: BoundListeners) => void heard.ready.push(listeners),
    failed: (reason: string) => assert.fail(reason),
    died: () => void heard.died++,
    heard: () => undefined,
  };
  const thread = new DataThread(config, log, events, () => ticksOf(counts), HANG_TIMES);
  t.after(() => thread.stop());
  thread.start();
  return { counts, heard, thread };
}

test('DataThread ends a thread that hangs, and starts it again where it was', async (t) => {
  let hangs = true;
  const { heard, thread } = start(t, (counts) => (hangs ? 0 : counts.gauge(GAUGE_LOOP_TICKS)));
  await eventually('it to be ended', () => heard.died === 1, 10_000);
  hangs = false;
  await eventually('it to be ready again', () => heard.ready.length === 2, 10_000);
  assert.equal(thread.restarts, 1);
  assert.deepEqual(heard.ready[1], heard.ready[0]);
  assert.match(heard.lines.join(''), /the data thread hangs and is ended forMs=3/);
  const [address] = heard.ready[1]?.inbound ?? [];
  assert(address !== undefined);
  using link = await dial(address.port);
  assert.equal(link.closed, false);
});

test('DataThread leaves a thread alone whose loop turns', async (t) => {
  const { counts, heard } = start(t, (of) => of.gauge(GAUGE_LOOP_TICKS));
  const turns = () => counts.gauge(GAUGE_LOOP_TICKS) >= 4;
  await eventually('more than the time of a hang to pass', turns, 15_000);
  assert.deepEqual([heard.ready.length, heard.died, heard.lines], [1, 0, []]);
});
