import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BAD_REQUESTS, type BadRequest } from '../conformance/http1-requests.ts';
import { headOf, readResponse, statusOf, valuesOf, type Message } from '../support/raw-http.ts';
import { dial, EndOfBytesError, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';
import { Witness } from '../support/witness.ts';

const GOOD = headOf('GET /good HTTP/1.1', 'Host: web');
/** Cut positions tried for one vector; vectors up to this long are cut at every byte. */
const CUTS_MAX = 400;

function checkRefusal(vector: BadRequest, answer: Message, side: 'inbound' | 'outbound'): void {
  const status = statusOf(answer);
  assert.ok(vector.statuses.includes(status), `${status} is not ${vector.statuses.join(' or ')}`);
  assert.deepEqual(valuesOf(answer.fields, 'connection'), ['close']);
  const sentences = valuesOf(answer.fields, 'culvert-proxy-error');
  assert.equal(sentences.length, side === 'outbound' ? 1 : 0, 'culvert-proxy-error');
}

/** The answer on `link`, which must close the connection behind it. */
async function readLastResponse(link: PeerLink): Promise<Message> {
  const answer = await readResponse(link);
  const end = await link.takeSome().catch((error: unknown) => {
    if (error instanceof EndOfBytesError) return undefined; // A reset after the answer is an end too.
    throw error;
  });
  assert.equal(end?.toString('latin1'), undefined, `bytes behind ${answer.startLine}`);
  return answer;
}

/** Offsets inside `bytes`: each, or an even sample of a long message. */
function cutsOf(bytes: string): number[] {
  const step = Math.max(1, Math.ceil(bytes.length / CUTS_MAX));
  return Array.from({ length: Math.ceil(bytes.length / step) - 1 }, (_, i) => (i + 1) * step);
}

async function refuseCut(sidecar: Sidecar, vector: BadRequest, good: PeerLink): Promise<void> {
  const links = await Promise.all(cutsOf(vector.bytes).map(() => dial(sidecar.address)));
  const cuts = cutsOf(vector.bytes);
  try {
    await Promise.all(links.map((link, i) => link.send(vector.bytes.slice(0, cuts[i]))));
    // A whole exchange on another connection: the sidecar has read the first parts by then.
    await good.send(GOOD);
    assert.equal(statusOf(await readResponse(good)), 200);
    await Promise.all(
      links.map(async (link, i) => {
        if (link.receivedBytes === 0) void link.send(vector.bytes.slice(cuts[i]));
        try {
          checkRefusal(vector, await readLastResponse(link), 'inbound');
        } catch (error) {
          throw new Error(`cut at ${cuts[i]}: ${String(error)}`, { cause: error });
        }
      }),
    );
  } finally {
    for (const link of links) link.destroy();
  }
}

for (const side of ['inbound', 'outbound'] as const) {
  describe(`malformed request, ${side}`, () => {
    let witness: Witness;
    let sidecar: Sidecar;
    before(async () => {
      witness = await Witness.listen();
      const { port } = witness.server;
      sidecar = side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
    });
    after(async () => {
      await sidecar?.stop();
      await witness?.server.close();
      assert.deepEqual(witness?.violations, [], 'what came late');
    });

    for (const vector of BAD_REQUESTS) {
      it(`is refused: ${vector.name} (${vector.section})`, async () => {
        using link = await dial(sidecar.address);
        void link.send(vector.bytes);
        checkRefusal(vector, await readLastResponse(link), side);
        assert.deepEqual(await witness.verdict(), []);
      });
    }

    it('is refused behind a good request, which is answered first', async () => {
      for (const vector of BAD_REQUESTS) {
        using link = await dial(sidecar.address);
        void link.send(GOOD + vector.bytes);
        try {
          assert.equal(statusOf(await readResponse(link)), 200, 'the good request');
          checkRefusal(vector, await readLastResponse(link), side);
          assert.deepEqual(await witness.verdict(), []);
        } catch (error) {
          throw new Error(`${vector.name}: ${String(error)}`, { cause: error });
        }
      }
    });

    it('is refused though its client goes on sending', async () => {
      const head = headOf('POST /body-fault HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked');
      using link = await dial(sidecar.address);
      void link.send(Buffer.concat([Buffer.from(`${head}x\r\n`), Buffer.alloc(600_000)]));
      assert.equal(statusOf(await readLastResponse(link)), 400);
      assert.deepEqual(await witness.verdict(), []);
    });

    if (side === 'outbound') return;
    it('is refused wherever it is cut', async () => {
      using good = await dial(sidecar.address);
      for (const vector of BAD_REQUESTS) {
        try {
          await refuseCut(sidecar, vector, good);
          assert.deepEqual(await witness.verdict(), []);
        } catch (error) {
          throw new Error(`${vector.name}: ${String(error)}`, { cause: error });
        }
      }
    });

    it('holds at least 80 vectors of distinct names', () => {
      assert.ok(BAD_REQUESTS.length >= 80);
      assert.equal(new Set(BAD_REQUESTS.map(({ name }) => name)).size, BAD_REQUESTS.length);
    });
  });
}
