import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, withDeadline } from '../support/deadline.ts';
import { Mesh, samplesOf } from '../support/mesh.ts';
import { podResource } from '../support/mesh-resources.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf, valuesOf, type Message } from '../support/raw-http.ts';
import { dial, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');

async function get(address: string): Promise<Message> {
  using link = await dial(address);
  await link.send(GET);
  return await readResponse(link);
}

const sentenceOf = ({ fields }: Message): string => valuesOf(fields, 'culvert-proxy-error').join();

/** The answer of an address that may not listen yet. */
async function getSoon(address: string, request: string): Promise<Message> {
  return eventually(`an answer of ${address}`, async () => {
    try {
      using link = await dial(address);
      await link.send(request);
      return await readResponse(link);
    } catch {
      return undefined;
    }
  });
}

const READY = headOf('GET /ready HTTP/1.1', 'Host: admin');

describe('a sidecar whose controller', () => {
  it('is not there is not ready, answers 503 with a sentence, and is ready when it comes', async () => {
    await using mesh = await Mesh.empty();
    // Ports of our choice: there is no ready line that would say what the system chose.
    const outbound = `127.0.0.1:${await unusedPort()}`;
    const admin = `127.0.0.1:${await unusedPort()}`;
    const flags = ['--outbound', outbound, '--admin', admin, ...mesh.flags('bot-1')];
    const sidecar = mesh.keep(Sidecar.spawn(...flags));

    await eventually('the sidecar to wait for its controller', async () => {
      sidecar.assertRuns();
      const notReady = await getSoon(admin, READY);
      assert.equal(statusOf(notReady), 503);
      return /controller has not told about pod bot-1/.test(notReady.body.toString());
    });
    const sinceMs = performance.now();
    const answer = await getSoon(outbound, GET);
    const tookMs = performance.now() - sinceMs;
    assert.equal(statusOf(answer), 503);
    assert.match(sentenceOf(answer), /controller has not answered about web:80 for 3000 ms/);
    assert.ok(tookMs > 2_000 && tookMs < 5_000, `after ${tookMs} ms`);
    // Whoever asks next need not wait as long for the same answer.
    const againMs = performance.now();
    assert.equal(statusOf(await get(outbound)), 503);
    assert.ok(performance.now() - againMs < 1_000);

    await mesh.write('pod-bot-1', [podResource('bot', 'bot-1')]);
    await mesh.startController();
    const replica = await mesh.replica('web-1');
    await mesh.publish('web', [replica]);
    await sidecar.untilReady(20_000);
    assert.equal((await sidecar.admin('/ready')).status, 200);
    await eventually('the service to be reached', async () => {
      return statusOf(await get(outbound)) === 200;
    });
  });

  it('does not know its pod is not ready until it does', async () => {
    await using mesh = await Mesh.start();
    const admin = `127.0.0.1:${await unusedPort()}`;
    const flags = ['--outbound', '127.0.0.1:0', '--admin', admin, ...mesh.flags('bot-1')];
    const sidecar = mesh.keep(Sidecar.spawn(...flags));
    await eventually('the control stream', async () => {
      sidecar.assertRuns();
      return (await mesh.proxy('bot-1')) !== undefined;
    });
    const notReady = await getSoon(admin, READY);
    assert.equal(statusOf(notReady), 503);
    await mesh.write('pod-bot-1', [podResource('bot', 'bot-1')]);
    await sidecar.untilReady();
    assert.equal((await sidecar.admin('/ready')).status, 200);
  });

  it('goes away drains as any other', async () => {
    await using mesh = await Mesh.start();
    const replica = await mesh.replica('web-1');
    const flags = ['--drain-quiet-ms', '300', '--drain-deadline-ms', '20000'];
    const caller = await mesh.caller('bot-1', ['web'], { flags });
    await mesh.publish('web', [replica]);
    await mesh.knows('web');
    using application = await dial(caller.wayOut);
    const served = async (): Promise<void> => {
      await application.send(GET);
      assert.equal(statusOf(await readResponse(application)), 200);
    };
    await served();
    await mesh.killController();
    caller.signal('SIGTERM');
    await eventually(
      'readiness to fail',
      async () => (await caller.admin('/ready')).status === 503,
    );
    await served();
    assert.equal(sumOf(await samplesOf(caller), 'control_connected'), 0);
    application.destroy();
    const exit = await withDeadline('the sidecar to exit', caller.exited, 15_000);
    assert.deepEqual(exit, { code: 0, signal: null });
  });
});
