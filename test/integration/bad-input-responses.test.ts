import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  BAD_RESPONSES,
  BAD_RESPONSE_BODIES,
  type BadResponse,
} from '../conformance/http1-responses.ts';
import {
  headOf,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const get = (target: string) => headOf(`GET ${target} HTTP/1.1`, 'Host: web');
/** Cuts tried for one vector. */
const CUTS = 40;

type Side = 'inbound' | 'outbound';

async function expect502(client: PeerLink, target: string, side: Side): Promise<void> {
  await client.send(get(target));
  const response = await readResponse(client);
  assert.equal(statusOf(response), 502);
  const sentences = valuesOf(response.fields, 'culvert-proxy-error');
  assert.equal(sentences.length, side === 'outbound' ? 1 : 0, 'culvert-proxy-error');
  assert.equal(response.body.includes('POISON'), false);
}

async function expectGood(client: PeerLink, target: string): Promise<void> {
  await client.send(get(target));
  const response = await readResponse(client);
  assert.equal(statusOf(response), 200);
  assert.equal(response.body.toString(), target);
}

async function send(link: PeerLink, vector: BadResponse, offsets: number[]): Promise<void> {
  await link.sendCut(vector.bytes, offsets);
  if (vector.thenEnds) link.halfClose();
}

for (const side of ['inbound', 'outbound'] as const) {
  describe(`malformed response, ${side}`, () => {
    let upstream: PeerServer;
    let sidecar: Sidecar;
    /** What the upstream does for a request whose target starts with `/bad`. */
    let misbehave: (link: PeerLink, target: string) => Promise<unknown>;
    let badRequests = 0;

    async function serve(link: PeerLink): Promise<void> {
      for (;;) {
        const target = (await readRequest(link)).startLine.split(' ')[1]!;
        if (target.startsWith('/bad')) {
          badRequests++;
          await misbehave(link, target);
        } else {
          await link.send(okAnswer(target));
        }
      }
    }

    before(async () => {
      upstream = await PeerServer.listen(serve);
      const { port } = upstream;
      sidecar = side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
    });
    after(async () => {
      await sidecar?.stop();
      await upstream?.close();
      assert.deepEqual(upstream?.failures, []);
    });

    for (const vector of BAD_RESPONSES) {
      it(`is answered with 502: ${vector.name} (${vector.section})`, async () => {
        const faulty = Promise.withResolvers<PeerLink>();
        misbehave = (link) => {
          faulty.resolve(link);
          return send(link, vector, []);
        };
        badRequests = 0;
        using client = await dial(sidecar.address);
        await expect502(client, '/bad', side);
        assert.equal(badRequests, 1, 'a request whose answer began is not sent again');
        await expectGood(client, '/good-after');
        const link = await faulty.promise;
        await link.untilEnded();
      });
    }

    it('is answered with 502 wherever it is cut', async () => {
      for (const vector of BAD_RESPONSES) {
        misbehave = (link, target) => send(link, vector, [Number(target.split('/')[2])]);
        const step = Math.ceil(vector.bytes.length / CUTS);
        const offsets = Array.from({ length: CUTS }, (_, i) => i * step).filter(
          (offset) => offset < vector.bytes.length,
        );
        await Promise.all(
          offsets.map(async (offset) => {
            using client = await dial(sidecar.address);
            try {
              await expect502(client, `/bad/${offset}`, side);
            } catch (error) {
              throw new Error(`${vector.name}, cut at ${offset}: ${String(error)}`, {
                cause: error,
              });
            }
          }),
        );
      }
    });

    for (const vector of BAD_RESPONSE_BODIES) {
      it(`is cut after its head has left: ${vector.name} (${vector.section})`, async () => {
        using client = await dial(sidecar.address);
        misbehave = async (link) => {
          await link.send(vector.good);
          await client.arrived('start');
          await link.send(vector.fault);
          if (vector.thenEnds) link.halfClose();
        };
        await client.send(get('/bad'));
        await assert.rejects(readResponse(client), EndOfBytesError);
        const received = (await client.untilEnded()).toString('latin1');
        assert.equal(received.includes('start'), true);
        assert.equal(/\r\n0\r\n/.test(received), false, 'no last chunk');
      });
    }

    it('does not poison the next exchange with bytes behind a whole answer', async () => {
      misbehave = (link) => link.send(okAnswer('first') + okAnswer('POISON'));
      using client = await dial(sidecar.address);
      await client.send(get('/bad'));
      assert.equal((await readResponse(client)).body.toString(), 'first');
      await expectGood(client, '/good-after');
    });

    it('does not poison the next exchange with bytes on an idle connection', async () => {
      const idle = Promise.withResolvers<PeerLink>();
      misbehave = async (link) => {
        await link.send(okAnswer('first'));
        idle.resolve(link);
      };
      using client = await dial(sidecar.address);
      await client.send(get('/bad'));
      assert.equal((await readResponse(client)).body.toString(), 'first');
      const link = await idle.promise;
      await link.send(okAnswer('POISON'));
      await link.untilEnded();
      await expectGood(client, '/good-after');
    });

    it('does not poison the next exchange with a body behind HEAD', async () => {
      misbehave = (link) => link.send(okAnswer('POISON'));
      using client = await dial(sidecar.address);
      await client.send(headOf('HEAD /bad HTTP/1.1', 'Host: web'));
      assert.equal(statusOf(await readResponse(client, 'HEAD')), 200);
      await expectGood(client, '/good-after');
    });

    it('holds at least 40 vectors of distinct names', () => {
      assert.ok(BAD_RESPONSES.length >= 40);
      assert.equal(new Set(BAD_RESPONSES.map(({ name }) => name)).size, BAD_RESPONSES.length);
    });
  });
}
