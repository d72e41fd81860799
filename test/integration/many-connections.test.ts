import assert from 'node:assert/strict';
import { it } from 'node:test';
import { descriptorLimit } from '../../proxy/transport/descriptors.ts';
import { eventually } from '../support/deadline.ts';
import { descriptorsOf } from '../support/kernel-sockets.ts';
import { headOf, okAnswer, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { dial, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const CONNECTIONS = 2_000;
const REQUESTS = 5;
const LINK = { record: false } as const;
/** This process holds both ends: clients and applications. */
const skip =
  process.platform !== 'linux'
    ? 'it counts descriptors in /proc'
    : (descriptorLimit() ?? 0) < 2 * CONNECTIONS + 500 &&
      `it needs ${2 * CONNECTIONS + 500} descriptors (ulimit -n)`;

/** Answers each request with its own target. */
async function echo(link: PeerLink): Promise<void> {
  for (;;) {
    const { startLine } = await readRequest(link);
    await link.send(okAnswer(startLine.split(' ')[1]));
  }
}

it(`${CONNECTIONS} connections at once each finish ${REQUESTS} requests`, { skip }, async () => {
  await using upstream = await PeerServer.listen(echo, LINK);
  await using sidecar = await Sidecar.inbound(upstream.port);
  const descriptors = (): number => descriptorsOf(sidecar.ready.pid);
  const before = descriptors();
  const links = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => dial(sidecar.address, LINK)),
  );
  try {
    const accepted = (): boolean => descriptors() >= before + CONNECTIONS;
    await eventually('all to be accepted', accepted, 20_000);
    await Promise.all(
      links.map(async (link, connection) => {
        for (let request = 0; request < REQUESTS; request++) {
          const target = `/${connection}/${request}`;
          await link.send(headOf(`GET ${target} HTTP/1.1`, 'Host: web'));
          const response = await readResponse(link);
          assert.equal(statusOf(response), 200);
          assert.equal(response.body.toString(), target);
        }
      }),
    );
  } finally {
    for (const link of links) link.destroy();
  }
  // Upstream connections are kept for 3 s, in case they are of use.
  await eventually(
    () => `${before} descriptors, from ${descriptors()}`,
    () => descriptors() <= before,
    10_000,
  );
  assert.deepEqual(upstream.failures, []);
});
