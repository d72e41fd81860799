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
import { StartQueue } from './start-queue.ts';

const TIMES = { watchMs: 20, hangMs: 3_000, slowStartMs: 30_000, startMsMax: 60_000 };

const turnsOf = (counts: SharedCounts): number => counts.gauge(GAUGE_LOOP_TICKS);

interface Start {
  readonly ticksOf?: (counts: SharedCounts) => number;
  readonly starts?: StartQueue;
  readonly limits?: ThreadConfig['limits'];
  readonly times?: Partial<typeof TIMES>;
  /** Told of each step of the thread's lives. */
  readonly step?: (what: 'start' | 'ready' | 'exit' | 'died') => void;
}

/** A thread that listens on one port, and what is heard of it. */
function start(t: TestContext, options: Start) {
  const { ticksOf = turnsOf, starts = new StartQueue(1), limits = {} } = options;
  const { step = () => undefined } = options;
  const counts = new SharedCounts();
  const free = { host: '127.0.0.1', port: 0 };
  const heard = { ready: [] as BoundListeners[], died: 0, lines: [] as string[] };
  const settings = {
    thread: 0,
    outbound: [],
    wayOut: [],
    interceptOutbound: [],
    interceptInbound: [],
    interceptProtocol: undefined,
    destinations: [],
    controlled: false,
    dns: false,
    http1Transport: 'http1',
    dialFrom: undefined,
    drainQuietMs: 0,
    logLevel: 'error',
    seed: 1,
    limits,
    counts: counts.shared,
    gc: shareGcCounts(),
    neighbours: shareNeighbours(1),
  } as const;
  const config = (): ThreadConfig => {
    step('start');
    const listen = heard.ready[0]?.inbound[0] ?? free;
    return { ...settings, inbound: [{ listen, forward: { host: '127.0.0.1', port: 1 } }] };
  };
  const log = new Log('test', 'info', Date.now, (line) => void heard.lines.push(line));
  const events = {
    ready: (listeners: BoundListeners) => {
      step('ready');
      heard.ready.push(listeners);
      thread.worker?.once('exit', () => step('exit'));
    },
    failed: (reason: string) => assert.fail(reason),
    died: () => {
      step('died');
      heard.died++;
    },
    heard: () => undefined,
  };
  const ticks = (): number => ticksOf(counts);
  const times = { ...TIMES, ...options.times };
  const thread = new DataThread(config, log, events, ticks, starts, times);
  t.after(() => thread.stop());
  thread.start();
  return { counts, heard, thread };
}

test('DataThread ends a thread that hangs, and starts it again where it was', async (t) => {
  let hangs = true;
  const steps: string[] = [];
  const { heard, thread } = start(t, {
    ticksOf: (counts) => (hangs ? 0 : turnsOf(counts)),
    step: (what) => steps.push(what),
  });
  await eventually('it to be ended', () => heard.died === 1, 10_000);
  hangs = false;
  await eventually('it to be ready again', () => heard.ready.length === 2, 10_000);
  // Two lives at a time would count in the same place.
  assert.deepEqual(steps, ['start', 'ready', 'exit', 'died', 'start', 'ready']);
  assert.equal(thread.restarts, 1);
  assert.deepEqual(heard.ready[1], heard.ready[0]);
  assert.match(heard.lines.join(''), /the data thread hangs and is ended forMs=3/);
  const [address] = heard.ready[1]?.inbound ?? [];
  assert(address !== undefined);
  using link = await dial(address.port);
  assert.equal(link.closed, false);
});

test('DataThread leaves a thread alone whose loop turns', async (t) => {
  const { counts, heard } = start(t, {});
  await eventually('more than the time of a hang', () => turnsOf(counts) >= 4, 15_000);
  assert.deepEqual([heard.ready.length, heard.died, heard.lines], [1, 0, []]);
});

test('DataThread starts when it has its turn, which ends when one is ready', async (t) => {
  const starts = new StartQueue(1);
  const steps: string[] = [];
  const threads = ['a', 'b', 'c'].map((name) =>
    start(t, { starts, step: (what) => steps.push(`${what} ${name}`) }),
  );
  await eventually('all to be ready', () => threads.every(({ heard }) => heard.ready.length > 0));
  assert.deepEqual(steps, ['start a', 'ready a', 'start b', 'ready b', 'start c', 'ready c']);
});

test('DataThread that dies in its start leaves the turn to the next', async (t) => {
  const starts = new StartQueue(1);
  const steps: string[] = [];
  start(t, { starts, limits: { targetBytesMax: 1e6 }, step: (what) => steps.push(`${what} a`) });
  const { heard } = start(t, { starts, step: (what) => steps.push(`${what} b`) });
  await eventually('the other to be ready', () => heard.ready.length > 0);
  assert.deepEqual(steps.slice(0, 4), ['start a', 'died a', 'start b', 'ready b']);
});

test('DataThread waits for a start that is slow, and lets the next begin', async (t) => {
  const starts = new StartQueue(1);
  const steps: string[] = [];
  const times = { slowStartMs: 1 };
  const step = (name: string) => (what: string) => void steps.push(`${what} ${name}`);
  const threads = ['a', 'b'].map((name) => start(t, { starts, times, step: step(name) }));
  await eventually('both to be ready', () => threads.every(({ heard }) => heard.ready.length > 0));
  assert.deepEqual(steps.slice(0, 2), ['start a', 'start b']);
  assert.match(threads[0]?.heard.lines[0] ?? '', /a data thread is slow to start forMs=1/);
});

test('DataThread does not take a start for a hang', async (t) => {
  let looks = 0;
  const { heard } = start(t, {
    times: { watchMs: 1, hangMs: 3 },
    ticksOf: () => (heard.ready.length > 0 ? ++looks : 0),
  });
  await eventually('it to be ready', () => heard.ready.length > 0);
  assert.deepEqual([heard.died, heard.lines], [0, []]);
});

test('DataThread whose worker ends before it is up starts again at once', async (t) => {
  const { heard, thread } = start(t, {});
  await eventually('it to have its turn', () => thread.hears);
  assert.equal(heard.ready.length, 0);
  await thread.worker?.terminate();
  await eventually('it to be ready', () => heard.ready.length > 0);
  assert.equal(heard.died, 1);
  assert.match(heard.lines.join(''), /data thread died: its worker ended before it was up/);
});

test('DataThread ends a start that does not come to its end, and says so', async (t) => {
  const { heard } = start(t, { times: { startMsMax: 1 } });
  await eventually('it to be ended', () => heard.died > 0, 10_000);
  assert.match(heard.lines.join(''), /data thread died: it did not start within 1 ms/);
});
