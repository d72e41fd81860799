/** A sidecar that is killed under load takes its connections with it; its next life serves. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { headOf, okAnswer, readRequest } from '../support/raw-http.ts';
import { PeerServer, dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const CLIENTS = 8;

it('a sidecar that is killed cuts what is under way, and a new one serves where it was', async () => {
  await using upstream = await PeerServer.listen(async (link) => {
    for (;;) {
      const { startLine } = await readRequest(link);
      if (!startLine.startsWith('GET /held ')) await link.send(okAnswer());
      else await link.send(`${headOf('HTTP/1.1 200 OK', 'Content-Length: 10')}half`);
    }
  });
  const first = await Sidecar.inbound(upstream.port);
  const { address } = first;
  try {
    using held = await dial(address);
    await held.send(headOf('GET /held HTTP/1.1', 'Host: web'));
    await held.arrived('half');
    await using load = new Load(address, { clients: CLIENTS, pauseMs: 2 });
    await eventually('the load to run', () => load.succeeded > 200);
    const old = upstream.openLinks;
    await first.stop();
    assert.match((await held.untilEnded()).toString(), /\r\n\r\nhalf$/);
    await eventually('the application to see its connections end', () =>
      old.every(({ ended }) => ended),
    );
    await eventually('every client to have noticed', () => load.failed >= CLIENTS);

    const listen = ['--inbound', address, '--forward', `127.0.0.1:${upstream.port}`];
    await using second = await Sidecar.start(...listen);
    assert.equal(second.address, address);
    const before = load.succeeded;
    await eventually('the load to go on', () => load.succeeded > before + 200);
    const { failed } = load;
    await eventually('more of it', () => load.succeeded > before + 400);
    assert.equal(load.failed, failed, load.failures.join('; '));
    await load.stop();
    // Nobody was answered with anything that was not an answer of the application.
    const connections = /ECONNRESET|ECONNREFUSED|EPIPE|EndOfBytesError/;
    for (const failure of load.failures) assert.match(failure, connections);
  } finally {
    await first.stop();
  }
});
