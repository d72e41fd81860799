import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { samplesOf } from '../support/mesh.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { headOf, okAnswer, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const SERVED = 10;
const FLOOD = 60;
const LEAVE = 3;
const LINK = { record: false } as const;

async function serve(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

/** The status that a request gets; undefined when the connection is reset instead. */
async function ask(link: PeerLink | Promise<PeerLink>): Promise<number | undefined> {
  try {
    const open = await link;
    await open.send(headOf('GET /x HTTP/1.1', 'Host: web'));
    return statusOf(await readResponse(open));
  } catch (error) {
    const reset = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
    if (reset || error instanceof EndOfBytesError) return undefined;
    throw error;
  }
}

it('connections that several threads are refusing take no room from those that are served', async () => {
  await using upstream = await PeerServer.listen(serve, LINK);
  // Refused clients that stay: the proxy bears with them for longer than the test lasts.
  const limits = ['--downstream-links-max', String(SERVED), '--linger-ms', '60000'];
  await using sidecar = await Sidecar.inbound(upstream.port, '--threads', '2', ...limits);
  using links = new DisposableStack();
  const open = async (): Promise<PeerLink> => links.use(await dial(sidecar.address, LINK));
  const served: PeerLink[] = [];
  for (let i = 0; i < SERVED; i++) {
    const link = await open();
    assert.equal(await ask(link), 200);
    served.push(link);
  }
  const flood = await Promise.all(Array.from({ length: FLOOD }, () => ask(open())));
  assert.ok(!flood.includes(200), 'none is served past the limit');
  const told = flood.filter((status) => status === 503).length;
  assert.ok(told > SERVED, `${told} are being refused`);

  for (const link of served.splice(0, LEAVE)) link.destroy();
  await eventually('the sidecar to notice that some left', async () => {
    const now = sumOf(await samplesOf(sidecar), 'tcp_open_connections', { peer: 'src' });
    return now === SERVED - LEAVE + told;
  });
  for (let i = 0; i < LEAVE; i++) assert.equal(await ask(open()), 200);
  assert.notEqual(await ask(open()), 200, 'the limit is reached again');
  for (const link of served) assert.equal(await ask(link), 200);
});
