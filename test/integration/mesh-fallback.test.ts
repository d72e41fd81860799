import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Mesh, portOf } from '../support/mesh.ts';
import { headOf, readResponse, statusOf, valuesOf, type Message } from '../support/raw-http.ts';
import { dial, unusedPort } from '../support/scripted-peer.ts';
import type { Sidecar } from '../support/sidecar.ts';

const sentenceOf = ({ fields }: Message): string => valuesOf(fields, 'culvert-proxy-error').join();

async function get(address: string, host: string, target = '/x'): Promise<Message> {
  using link = await dial(address);
  await link.send(headOf(`GET ${target} HTTP/1.1`, `Host: ${host}`));
  return await readResponse(link);
}

describe('outbound, for a name that is no service', () => {
  let mesh: Mesh;
  let caller: Sidecar;

  before(async () => {
    mesh = await Mesh.start();
    caller = await mesh.caller('bot-1', ['web']);
  });
  after(() => mesh?.close());

  it('asks DNS where the request names it', async () => {
    const replica = await mesh.replica('outside-1');
    const host = `localhost:${replica.application.port}`;
    const response = await get(caller.outbound, host);
    assert.equal(statusOf(response), 200, sentenceOf(response));
    assert.equal(response.body.toString(), 'outside-1');
    // Absolute form: the target names the authority, whatever Host says (RFC 9112 section 3.2.2).
    const absolute = await get(caller.outbound, 'other', `http://${host}/x`);
    assert.equal(absolute.body.toString(), 'outside-1');
  });

  it('passes on to an address literal', async () => {
    const replica = await mesh.replica('literal-1');
    const response = await get(caller.outbound, `127.0.0.1:${replica.application.port}`);
    assert.equal(response.body.toString(), 'literal-1');
  });

  it('answers 404 when DNS knows no such name either', async () => {
    const response = await get(caller.outbound, 'no-such-name.invalid');
    assert.equal(statusOf(response), 404);
    assert.match(sentenceOf(response), /no-such-name\.invalid/);
  });

  it('answers 502 when nothing listens where it leads', async () => {
    const response = await get(caller.outbound, `localhost:${await unusedPort()}`);
    assert.equal(statusOf(response), 502);
  });

  for (const name of ['localhost', '127.0.0.1']) {
    it(`answers 508 when ${name} leads to its own listener`, async () => {
      const port = portOf(caller.outbound);
      const response = await get(caller.outbound, `${name}:${port}`);
      assert.equal(statusOf(response), 508, response.startLine);
      assert.match(sentenceOf(response), /is this proxy itself/);
      const wayOut = await get(caller.outbound, `${name}:${portOf(caller.wayOut)}`);
      assert.equal(statusOf(wayOut), 508, 'its way out is its own, too');
    });
  }

  it('answers 404 on a way out until the service appears, then the service', async () => {
    const missing = await get(caller.wayOut, 'whatever');
    assert.equal(statusOf(missing), 404);
    assert.match(sentenceOf(missing), /no Service "web" in namespace "demo"/);
    // The short name on the explicit listener: neither a service nor in DNS.
    assert.equal(statusOf(await get(caller.outbound, 'web')), 404);
    const replica = await mesh.replica('web-1');
    await mesh.publish('web', [replica]);
    const appears = (address: string): Promise<true> =>
      eventually(`web to appear on ${address}`, async () => {
        return (await get(address, 'web')).body.toString() === 'web-1';
      });
    await appears(caller.wayOut);
    await appears(caller.outbound);
  });
});
