/** Every case in which the sidecar is a server, against a sidecar of its own process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Http2Peer, valueOf } from '../../support/http2-peer.ts';
import { getBlock, lastHeaders, PREFACE } from '../../support/http2-wire.ts';
import { dial } from '../../support/scripted-peer.ts';
import { Sidecar } from '../../support/sidecar.ts';
import type { Http2Case } from './case.ts';
import { assertExpected, outcomeOf } from './outcome.ts';
import { SERVER_CONNECTION } from './server-connection.ts';
import { SERVER_FRAMES } from './server-frames.ts';
import { SERVER_HPACK } from './server-hpack.ts';
import { SERVER_MESSAGES } from './server-messages.ts';
import { Http2Upstream } from './upstream.ts';

/** Above the streams of all cases. */
const LATER_STREAM = 1_000_001;

async function greet(address: string, { greets, settings }: Http2Case): Promise<Http2Peer> {
  if (greets) return Http2Peer.dial(address, { settings, givesCredit: true });
  const peer = Http2Peer.bare(await dial(address), 'client', { givesCredit: true });
  void peer.send(PREFACE);
  return peer;
}

const cases = [...SERVER_CONNECTION, ...SERVER_FRAMES, ...SERVER_MESSAGES, ...SERVER_HPACK];

describe('HTTP/2 towards a client', () => {
  let upstream: Http2Upstream;
  let sidecar: Sidecar;
  before(async () => {
    upstream = await Http2Upstream.listen();
    sidecar = await Sidecar.inboundOf('http2', upstream.port, '--concurrent-streams-max', '8');
  });
  after(async () => {
    await sidecar?.stop();
    await upstream?.close();
    assert.deepEqual(upstream?.takeViolations(), [], 'what came upstream late');
  });

  for (const one of cases) {
    it(`${one.section}: ${one.name}`, async () => {
      upstream.requests.length = 0;
      using peer = await greet(sidecar.address, one);
      const outcome = await outcomeOf(peer, one);
      assertExpected(peer, one, outcome);
      if (outcome.scope === 'connection') await peer.untilEnded();
      else {
        await peer.alive();
        if (one.servesOn) await assertServes(peer);
      }
      if (outcome.scope === 'accepted') assertForwarded(upstream, one);
      assert.deepEqual(peer.violations, []);
      assert.deepEqual(upstream.takeViolations(), [], 'what came upstream');
    });
  }
});

/** One more request on the connection. */
async function assertServes(peer: Http2Peer): Promise<void> {
  void peer.send(lastHeaders(LATER_STREAM, getBlock()));
  const { fields } = await peer.message(LATER_STREAM);
  assert.equal(valueOf(fields, ':status'), '200', peer.story());
}

function assertForwarded(upstream: Http2Upstream, { forwarded }: Http2Case): void {
  // The last one is the request that shows that the connection lives.
  const { fields, trailers } = upstream.requests.at(-2) ?? { fields: [], trailers: [] };
  for (const [name, value] of Object.entries(forwarded)) {
    assert.equal(valueOf([...fields, ...trailers], name), value, name);
  }
}
