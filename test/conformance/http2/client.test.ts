/** Every case in which the sidecar is a client, against a sidecar of its own process. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { withDeadline } from '../../support/deadline.ts';
import { Http2Peer, StreamResetError, valueOf } from '../../support/http2-peer.ts';
import {
  data,
  END_STREAM,
  headers,
  lastHeaders,
  PREFACE,
  requestBlock,
  statusBlock,
} from '../../support/http2-wire.ts';
import { PeerServer, type PeerLink } from '../../support/scripted-peer.ts';
import { Sidecar } from '../../support/sidecar.ts';
import type { Http2Case } from './case.ts';
import { CLIENT_CONNECTION } from './client-connection.ts';
import { CLIENT_MESSAGES } from './client-messages.ts';
import { assertExpected, outcomeOf, type Outcome } from './outcome.ts';

const cases = [...CLIENT_CONNECTION, ...CLIENT_MESSAGES];

interface Run {
  readonly one: Http2Case;
  readonly peer: Http2Peer;
  readonly outcome: Outcome;
}

describe('HTTP/2 towards a server', () => {
  let server: PeerServer;
  let sidecar: Sidecar;
  /** The case whose connection comes next; further connections are answered well. */
  let due: { one: Http2Case; run: PromiseWithResolvers<Run> } | undefined;

  const serve = async (link: PeerLink): Promise<void> => {
    const taken = due;
    due = undefined;
    if (taken === undefined) return serveWell(link);
    try {
      const peer = await greet(link, taken.one);
      if (taken.one.greets) {
        const { stream } = await peer.nextHead();
        if (taken.one.request !== 'POST') await peer.message(stream);
      }
      taken.run.resolve({ one: taken.one, peer, outcome: await outcomeOf(peer, taken.one) });
    } catch (error) {
      taken.run.reject(error);
    }
  };

  before(async () => {
    server = await PeerServer.listen(serve);
    sidecar = await Sidecar.inboundOf('http2', server.port);
  });
  after(async () => {
    await sidecar?.stop();
    await server?.close();
    assert.deepEqual(server?.failures, []);
  });

  for (const one of cases) {
    it(`${one.section}: ${one.name}`, async () => {
      const run = Promise.withResolvers<Run>();
      due = { one, run };
      using downstream = await Http2Peer.dial(sidecar.address, { givesCredit: true });
      void downstream.send(...requestOf(one));
      const { peer, outcome } = await withDeadline(`the case; ${downstream.story()}`, run.promise);
      try {
        assertExpected(peer, one, outcome);
        if (outcome.scope === 'connection') await peer.untilEnded();
        else await peer.alive();
        await assertDownstream(downstream, peer, one, outcome);
      } finally {
        // The next case must find this connection closed.
        if (!peer.ended) peer.link.halfClose();
        await peer.untilEnded();
        peer.destroy();
      }
      assert.deepEqual(peer.violations, [], peer.story());
      assert.deepEqual(downstream.violations, [], downstream.story());
    });
  }
});

/** A server of a case: one that greets, or that leaves even that to the case. */
async function greet(link: PeerLink, { greets, settings }: Http2Case): Promise<Http2Peer> {
  if (greets) return Http2Peer.accept(link, { settings });
  await link.take(PREFACE.length);
  return Http2Peer.bare(link, 'server', { acknowledges: false });
}

/** Requests that are tried again get an answer. */
async function serveWell(link: PeerLink): Promise<void> {
  const peer = await Http2Peer.accept(link);
  for (;;) void peer.send(...answer((await peer.nextHead()).stream));
}

const answer = (stream: number): readonly Buffer[] => [
  headers(stream, statusBlock(200)),
  data(stream, 'ok', END_STREAM),
];

function requestOf({ request }: Http2Case): readonly Buffer[] {
  const block = requestBlock(request, '/');
  return request === 'POST' ? [headers(1, block), data(1, 'x')] : [lastHeaders(1, block)];
}

/** What the downstream of the sidecar gets for an outcome upstream. */
async function assertDownstream(
  downstream: Http2Peer,
  upstream: Http2Peer,
  one: Http2Case,
  { scope }: Outcome,
): Promise<void> {
  if (one.expected.accepted === undefined && scope === 'ignored') {
    void upstream.send(...answer(1));
    if (one.request === 'POST') void downstream.send(data(1, '', END_STREAM));
  }
  const status = await downstream.message(1).then(
    ({ fields }) => Number(valueOf(fields, ':status')),
    (error: unknown) => {
      if (error instanceof StreamResetError) return 0;
      throw error;
    },
  );
  if (scope !== 'ignored') {
    const { accepted = [], downstream: before = [] } = one.expected;
    const right = [0, 502, 503, ...accepted, ...before];
    assert.ok(right.includes(status), `${status}; ${downstream.story()}`);
    return;
  }
  assert.ok((one.expected.accepted ?? [200]).includes(status), `${status}; ${downstream.story()}`);
  const { fields, trailers } = downstream.messageSoFar(1);
  for (const [name, value] of Object.entries(one.forwarded)) {
    assert.equal(valueOf([...fields, ...trailers], name), value, name);
  }
}
