import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf, serviceKey } from '../support/mesh.ts';
import { sumOf, type Sample } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf } from '../support/raw-http.ts';
import { dial } from '../support/scripted-peer.ts';

/** The contract says 250; this machine may do other things meanwhile. */
const BACK_MS_MAX = 2_000;
const GET = headOf('GET /x HTTP/1.1', 'Host: web');

/** Asks on new connections until one answers 200; milliseconds it took. */
async function untilAnswered(address: string): Promise<number> {
  const sinceMs = performance.now();
  for (;;) {
    try {
      using link = await dial(address);
      await link.send(GET);
      if (statusOf(await readResponse(link)) === 200) return performance.now() - sinceMs;
    } catch {
      // Nobody listens yet.
    }
    assert.ok(performance.now() - sinceMs < 10_000, 'it never came back');
    await turn();
  }
}

/** Counters of `before` that are less in `after`. */
function wentBack(before: readonly Sample[], after: readonly Sample[]): string[] {
  return before
    .filter(({ name }) => /_(?:total|count|sum|bucket)$/.test(name))
    .filter(({ name, labels, value }) => sumOf(after, name, labels) < value)
    .map(({ name, labels, value }) => `${name} ${JSON.stringify(labels)} was ${value}`);
}

it('sidecar loses only the connections of a data thread that dies, and goes on', async (t) => {
  await using mesh = await Mesh.start();
  const [staying, leaving] = await Promise.all(['web-1', 'web-2'].map((pod) => mesh.replica(pod)));
  const caller = await mesh.caller('bot-1', ['web'], { mortal: true });
  const other = await mesh.caller('other-1', ['web']);
  await mesh.publish('web', [staying!, leaving!]);
  await mesh.knows('web');
  await using load = new Load(other.wayOut);
  await eventually('the load to run', () => load.succeeded > 50);

  using kept = await dial(caller.wayOut);
  for (let requests = 0; requests < 20; requests++) {
    await kept.send(GET);
    assert.equal(statusOf(await readResponse(kept)), 200);
  }
  const before = await samplesOf(caller);
  assert.equal(sumOf(before, 'request_total', { direction: 'outbound' }), 20);

  const killedMs = performance.now();
  caller.signal('SIGUSR2');
  await kept.untilEnded();
  const endedMs = performance.now() - killedMs;
  const backMs = endedMs + (await untilAnswered(caller.wayOut));
  t.diagnostic(
    `connections ended ${endedMs.toFixed(0)} ms after the kill, answers ${backMs.toFixed(0)} ms`,
  );
  assert.ok(backMs < BACK_MS_MAX, `back after ${backMs} ms`);

  const after = await samplesOf(caller);
  // What the heap of a thread allocated begins again with the thread, as its heap does.
  const back = wentBack(before, after).filter((one) => !one.startsWith('nodejs_heap_allocated'));
  assert.deepEqual(back, []);
  assert.equal(sumOf(after, 'request_total', { direction: 'outbound' }), 21);
  assert.equal(sumOf(after, 'proxy_thread_restarts_total'), 1);
  assert.equal((await caller.admin('/ready')).status, 200);
  // What it knows comes from the controller again, and changes go on reaching it.
  await mesh.acked('bot-1', 2);
  await mesh.whenAcked('bot-1', serviceKey('web'), () => mesh.publish('web', [staying!]));
  await leaving!.sidecar.stop();
  await using own = new Load(caller.wayOut);
  await eventually('it to serve on', () => own.succeeded > 100);
  assert.deepEqual((await own.stop()).failures, []);
  assert.deepEqual((await load.stop()).failures, [], 'connections through other sidecars');

  await eventually('the connections of the dead thread to be counted as closed', async () => {
    const samples = await samplesOf(caller);
    return sumOf(samples, 'tcp_open_connections', { peer: 'src' }) === 0;
  });
  await eventually('the controller to tell them all', async () => {
    const { success } = await mesh.outboundTotals('web');
    return success === 21 + own.sent + load.sent;
  });
});

it('sidecar survives one death of its data thread after the other', async () => {
  await using mesh = await Mesh.start();
  const replica = await mesh.replica('web-1');
  const caller = await mesh.caller('bot-1', ['web'], { mortal: true });
  await mesh.publish('web', [replica]);
  await mesh.knows('web');
  for (let deaths = 1; deaths <= 4; deaths++) {
    using link = await dial(caller.wayOut);
    await link.send(GET);
    assert.equal(statusOf(await readResponse(link)), 200);
    caller.signal('SIGUSR2');
    await link.untilEnded();
    await untilAnswered(caller.wayOut);
    assert.equal(sumOf(await samplesOf(caller), 'proxy_thread_restarts_total'), deaths);
  }
  assert.equal(sumOf(await samplesOf(caller), 'request_total', { direction: 'outbound' }), 8);
});

it('sidecar serves what it knew when its data thread dies while the controller is away', async () => {
  await using mesh = await Mesh.start();
  const replica = await mesh.replica('web-1');
  const caller = await mesh.caller('bot-1', ['web'], { mortal: true });
  await mesh.publish('web', [replica]);
  await mesh.knows('web');
  await untilAnswered(caller.wayOut);
  await mesh.acked('bot-1', 2);
  await mesh.killController();
  for (let deaths = 1; deaths <= 2; deaths++) {
    using link = await dial(caller.wayOut);
    caller.signal('SIGUSR2');
    await link.untilEnded();
    const backMs = await untilAnswered(caller.wayOut);
    assert.ok(backMs < BACK_MS_MAX, `death ${deaths}: back after ${backMs} ms`);
  }
  await mesh.startController();
  await mesh.acked('bot-1', 2);
  await mesh.whenAcked('bot-1', serviceKey('web'), () => mesh.publish('web', []));
  using link = await dial(caller.wayOut);
  await link.send(GET);
  assert.equal(statusOf(await readResponse(link)), 503, 'it hears of changes again');
});
