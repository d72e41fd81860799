import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf, serviceKey, type Replica } from '../support/mesh.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { Relay } from '../support/relay.ts';
import type { Sidecar } from '../support/sidecar.ts';

const CALLER = 'bot-1';

async function moreAnswers(load: Load, count: number): Promise<void> {
  const { succeeded } = load;
  await eventually(
    () => `${count} more answers; failures: ${load.failures.join('; ')}`,
    () => load.succeeded > succeeded + count,
    10_000,
  );
}

describe('a replica that is stopped under load', () => {
  let mesh: Mesh;
  let staying: Replica;
  let leaving: Replica;
  let caller: Sidecar;

  beforeEach(async () => {
    mesh = await Mesh.start();
    [staying, leaving] = await Promise.all([mesh.replica('web-1'), mesh.replica('web-2')]);
    caller = await mesh.caller(CALLER, ['web']);
    await mesh.publish('web', [staying, leaving]);
    await mesh.knows('web');
  });
  afterEach(() => mesh?.close());

  /** Waits until both replicas answer. */
  async function bothAnswer(load: Load): Promise<void> {
    const pods = [staying, leaving].map(({ pod }) => pod);
    await eventually('both replicas to answer', () =>
      pods.every((pod) => (load.bodies.get(pod) ?? 0) > 50),
    );
  }

  it('costs no request once the caller has acknowledged that it goes', async () => {
    await using load = new Load(caller.wayOut);
    await bothAnswer(load);
    await mesh.whenAcked(CALLER, serviceKey('web'), () => mesh.publish('web', [staying]));
    await leaving.sidecar.stop();
    const answered = load.bodies.get('web-2');
    await moreAnswers(load, 300);
    const totals = await load.stop();
    assert.deepEqual(totals.failures, []);
    assert.equal(load.bodies.get('web-2'), answered, 'nothing is asked of it any more');
  });

  it('costs no request when it drains as Kubernetes does it', async () => {
    await using load = new Load(caller.wayOut);
    await bothAnswer(load);
    // The word to the pod and the word to its callers leave at the same time.
    leaving.sidecar.signal('SIGTERM');
    await mesh.publish('web', [staying]);
    await moreAnswers(load, 300);
    const totals = await load.stop();
    assert.deepEqual(totals.failures, []);
  });

  it('costs no GET when it dies before anybody knows: others are tried', async () => {
    // Two clients never have more than one connection to it, so none is being dialled when it dies:
    // what is lost on a connection's first request is not replayed (decision 004).
    await using relay = await Relay.listen(leaving.inbound);
    const relayed = { pod: leaving.pod, inbound: relay.address };
    await using load = new Load(caller.wayOut, { clients: 2 });
    await bothAnswer(load);
    await mesh.whenAcked(CALLER, serviceKey('web'), () => mesh.publish('web', [staying, relayed]));
    const direct = load.bodies.get(leaving.pod) ?? 0;
    await eventually(
      'answers through the relay',
      () => load.bodies.get(leaving.pod)! > direct + 50,
    );
    await relay.die();
    await moreAnswers(load, 600);
    const totals = await load.stop();
    assert.deepEqual(totals.failures, []);
    const refused = sumOf(await samplesOf(caller), 'response_total', {
      direction: 'outbound',
      classification: 'failure',
    });
    assert.equal(refused, 0, 'an attempt elsewhere is no failure of the exchange');
  });

  it('costs a POST only where it was under way', async () => {
    const clients = 6;
    await using load = new Load(caller.wayOut, { clients, requestLine: () => 'POST /things' });
    await bothAnswer(load);
    await leaving.sidecar.stop();
    await moreAnswers(load, 300);
    const totals = await load.stop();
    assert.ok(totals.failed <= clients, totals.failures.join('; '));
    for (const failure of totals.failures) assert.match(failure, /HTTP\/1\.1 502 /);
  });

  it('leaves a sentence that names what failed when it was the last', async () => {
    await using load = new Load(caller.wayOut, { clients: 1 });
    await bothAnswer(load);
    await Promise.all([leaving.sidecar.stop(), staying.sidecar.stop()]);
    await eventually('a failure', () => load.failed > 3);
    await mesh.whenAcked(CALLER, serviceKey('web'), () => mesh.publish('web', []));
    const { failed } = load;
    await eventually('a failure without endpoints', () => load.failed > failed + 1);
    const { failures } = await load.stop();
    assert.match(failures.at(1) ?? '', /502 Bad Gateway: .*127\.0\.0\.1:\d+/);
    assert.match(failures.at(-1) ?? '', /503 Service Unavailable: web\S* has 0 of 0 endpoints/);
  });
});
