import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { Mesh, samplesOf, serviceKey } from '../support/mesh.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { headOf, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, type PeerLink } from '../support/scripted-peer.ts';
import type { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const TWO = ['--threads', '2'];

/** Who answers. */
async function ask(link: PeerLink): Promise<string> {
  await link.send(GET);
  const response = await readResponse(link);
  assert.equal(statusOf(response), 200);
  return response.body.toString();
}

/** Kept connections, some of them on each of two threads; each has had one answer. */
async function dialBoth(sidecar: Sidecar, connections: number): Promise<PeerLink[]> {
  const links = await Promise.all(Array.from({ length: connections }, () => dial(sidecar.wayOut)));
  await Promise.all(links.map(ask));
  const samples = await samplesOf(sidecar);
  for (const thread of ['0', '1']) {
    assert.ok(sumOf(samples, 'proxy_downstream_links', { thread }) > 0, `thread ${thread} is idle`);
  }
  return links;
}

/** Data threads of the sidecar that hold `key`, as its /config.json says. */
async function holders(sidecar: Sidecar, key: string): Promise<readonly number[]> {
  const config = JSON.parse((await sidecar.admin('/config.json')).text) as {
    readonly destinations: Readonly<Record<string, { readonly threads: readonly number[] }>>;
  };
  return (config.destinations[key]?.threads ?? []).toSorted((a, b) => a - b);
}

it('changes of endpoints reach every data thread before they are acknowledged', async () => {
  await using mesh = await Mesh.start();
  const [first, second] = await Promise.all(['web-1', 'web-2'].map((pod) => mesh.replica(pod)));
  const caller = await mesh.caller('bot-1', ['web'], { flags: TWO });
  await mesh.publish('web', [first!]);
  await mesh.knows('web');
  const links = await dialBoth(caller, 16);
  assert.deepEqual(await holders(caller, serviceKey('web')), [0, 1]);
  // The pod's own resource, and the service: once for both threads.
  await mesh.acked('bot-1', 2);

  for (const [pod, endpoints] of [
    ['web-2', [second!]],
    ['web-1', [first!]],
    ['web-2', [second!]],
  ] as const) {
    await mesh.whenAcked('bot-1', serviceKey('web'), () => mesh.publish('web', endpoints));
    assert.deepEqual(new Set(await Promise.all(links.map(ask))), new Set([pod]));
  }
  assert.equal(sumOf(await samplesOf(caller), 'control_nack_total'), 0);
  for (const link of links) link.destroy();
  await eventually('the controller to tell each request once', async () => {
    const { success } = await mesh.outboundTotals('web');
    return success === 4 * links.length;
  });
});

it('a data thread that dies knows again what the controller told, and hears of changes', async () => {
  await using mesh = await Mesh.start();
  const [first, second] = await Promise.all(['web-1', 'web-2'].map((pod) => mesh.replica(pod)));
  const caller = await mesh.caller('bot-1', ['web'], { mortal: true, flags: TWO });
  await mesh.publish('web', [first!]);
  await mesh.knows('web');
  const links = await dialBoth(caller, 8);
  await mesh.acked('bot-1', 2);
  await mesh.killController();
  caller.signal('SIGUSR2');
  await eventually('one thread to be started again', async () => {
    const samples = await samplesOf(caller);
    return sumOf(samples, 'proxy_thread_restarts_total') === 1;
  });
  await eventually('its connections to end', () => links.some(({ ended }) => ended));
  // The other has the more connections, until the new one serves.
  const fresh = await eventually('both threads to hold the service', async () => {
    const link = await dial(caller.wayOut);
    links.push(link);
    assert.equal(await ask(link), 'web-1');
    return (await holders(caller, serviceKey('web'))).length === 2 ? links : undefined;
  });
  await mesh.startController();
  await mesh.acked('bot-1', 2);
  await mesh.whenAcked('bot-1', serviceKey('web'), () => mesh.publish('web', [second!]));
  const living = fresh.filter(({ ended }) => !ended);
  assert.deepEqual(new Set(await Promise.all(living.map(ask))), new Set(['web-2']));
  for (const link of links) link.destroy();
});

it('churn of endpoints with two data threads fails no request', async () => {
  await using mesh = await Mesh.start();
  const replicas = await Promise.all(['web-1', 'web-2'].map((pod) => mesh.replica(pod)));
  const caller = await mesh.caller('bot-1', ['web'], { flags: TWO });
  await mesh.publish('web', replicas);
  await mesh.knows('web');
  await using load = new Load(caller.wayOut, { clients: 8, closes: (n) => n % 7 === 0 });
  await eventually('the load to run', () => load.succeeded > 100);
  for (let change = 0; change < 6; change++) {
    await mesh.whenAcked('bot-1', serviceKey('web'), () =>
      mesh.publish('web', change % 2 === 0 ? [replicas[change % 4 === 0 ? 0 : 1]!] : replicas),
    );
  }
  const { failures, sent } = await load.stop();
  assert.deepEqual(failures, []);
  await eventually('the controller to tell each request once', async () => {
    return (await mesh.outboundTotals('web')).success === sent;
  });
});
