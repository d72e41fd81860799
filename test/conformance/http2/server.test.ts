/** Every case in which the sidecar is a server, against a sidecar of its own process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Http2Peer, valueOf } from '../../support/http2-peer.ts';
import { getBlock, lastHeaders } from '../../support/http2-wire.ts';
import { dial } from '../../support/scripted-peer.ts';
import { PREFACE } from '../../support/http2-wire.ts';
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
    sidecar = await Sidecar.inbound(
      upstream.port,
      '--forward-protocol',
      'http2',
      '--concurrent-streams-max',
      '8',
    );
  });
  after(async () => {
    await sidecar?.stop();
    await upstream?.close();
    assert.deepEqual(upstream?.violations, [], 'what came upstream');
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
        const { fields } = await requestLater(peer);
        assert.equal(valueOf(fields, ':status'), '200', peer.story());
      }
      if (outcome.scope === 'accepted') assertForwarded(upstream, one);
      assert.deepEqual(peer.violations, []);
    });
  }
});

/** One more request on the connection, which must be served. */
async function requestLater(peer: Http2Peer) {
  void peer.send(lastHeaders(LATER_STREAM, getBlock()));
  return peer.message(LATER_STREAM);
}

function assertForwarded(upstream: Http2Upstream, { forwarded }: Http2Case): void {
  // The last one is the request that shows that the connection lives.
  const { fields, trailers } = upstream.requests.at(-2) ?? { fields: [], trailers: [] };
  for (const [name, value] of Object.entries(forwarded)) {
    assert.equal(valueOf([...fields, ...trailers], name), value, name);
  }
}
