import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { deploymentResource, podResource } from '../support/mesh-resources.ts';
import { Mesh } from '../support/mesh.ts';
import { headOf, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const HOST = '127.0.0.1';
const GET = headOf('GET /x HTTP/1.1', 'Host: web.demo', 'Connection: close');

/** The status of a request on a connection of its own; undefined when nobody listens. */
async function ask(address: string): Promise<number | undefined> {
  try {
    using link = await dial(address, { record: false });
    await link.send(GET);
    return statusOf(await readResponse(link));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
      return undefined;
    throw error;
  }
}

it('destinations that are asked for while data threads start are told to each that asked', async () => {
  await using mesh = await Mesh.start();
  await mesh.publish('web', [await mesh.replica('web-1')]);
  await mesh.knows('web');
  await mesh.write('deployment-bot', [deploymentResource('bot')]);
  await mesh.write('pod-bot-1', [podResource('bot', 'bot-1')]);
  const address = `${HOST}:${await unusedPort(HOST)}`;
  const flags = ['--outbound', address, ...mesh.flags('bot-1'), '--threads', '2'];
  const sidecar = mesh.keep(Sidecar.spawn(...flags, '--admin', `${HOST}:0`));

  // Answered as soon as one thread listens: the other has not started yet, or not to its end.
  const first = await eventually('a thread to listen', () => ask(address));
  assert.equal(first, 200);
  await sidecar.untilReady();
  const after = await Promise.all(Array.from({ length: 16 }, () => ask(address)));
  assert.deepEqual(new Set(after), new Set([200]));
});
