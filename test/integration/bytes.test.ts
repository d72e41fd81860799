import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  BodySource,
  randomPair,
  type RandomMessage,
  type RandomPair,
} from '../support/random-messages.ts';
import { Random, seedOfRun } from '../support/random.ts';
import {
  readRequestBody,
  readRequestHead,
  readResponse,
  valuesOf,
  type BodySink,
  type Field,
  type Message,
} from '../support/raw-http.ts';
import { dial, PeerServer, splitAddress, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const PAIRS = 1000;
const CLIENTS = 8;
const SEED = seedOfRun();
const LINK = { record: false, highWaterBytes: 65_536 };
const OF_ONE_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);

const endToEnd = (fields: readonly Field[]): Field[] =>
  fields.filter(([name]) => !OF_ONE_HOP.has(name.toLowerCase()));

async function write(link: PeerLink, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    await link.send(piece);
    await turn();
  }
}

/** Compares body bytes as they come; a slow reader lets turns of the event loop pass between. */
function compareWith(expected: RandomMessage): BodySink {
  let at = 0;
  return {
    write: async (bytes) => {
      assert.ok(bytes.equals(expected.body.subarray(at, at + bytes.length)), `body from ${at}`);
      at += bytes.length;
      if (expected.slowReader) for (let turns = 0; turns < 20; turns++) await turn();
    },
  };
}

function compare(actual: Message, expected: RandomMessage): void {
  assert.equal(actual.startLine, expected.startLine);
  assert.deepEqual(endToEnd(actual.fields), expected.fields);
  assert.equal(actual.bodyBytes, expected.body.length, 'body length');
  assert.deepEqual(actual.trailers, expected.trailers);
}

describe(`1,000 random pairs, CULVERT_TEST_SEED=${SEED}`, () => {
  let upstream: PeerServer;
  let inbound: Sidecar;
  let outbound: Sidecar;
  let chained: Sidecar;
  const pairs = new Map<number, RandomPair>();

  async function serve(link: PeerLink): Promise<void> {
    for (;;) {
      const head = await readRequestHead(link);
      const { request, response } = pairs.get(Number(valuesOf(head.fields, 'x-id')[0]))!;
      compare(await readRequestBody(link, head, compareWith(request)), request);
      await write(link, response.pieces);
      if (response.framing === 'close') return link.halfClose();
    }
  }

  before(async () => {
    upstream = await PeerServer.listen(serve, LINK);
    [inbound, outbound] = await Promise.all([
      Sidecar.inbound(upstream.port),
      Sidecar.outbound([upstream.port, upstream.port]),
    ]);
    chained = await Sidecar.outbound([splitAddress(inbound.address)[1]]);
  });
  after(async () => {
    await Promise.all([chained?.stop(), outbound?.stop(), inbound?.stop()]);
    await upstream?.close();
  });

  async function exchange(link: PeerLink, pair: RandomPair): Promise<void> {
    const { request, response } = pair;
    const written = write(link, request.pieces);
    try {
      compare(await readResponse(link, pair.method, compareWith(response)), response);
      await written;
    } catch (error) {
      const failures = upstream.failures.map(String).join('\n');
      throw new Error(`pair ${pair.id}, seed ${SEED}: ${String(error)}\n${failures}`, {
        cause: error,
      });
    }
  }

  it('arrive as they were sent', { timeout: 60_000 }, async () => {
    const random = new Random(SEED);
    const source = new BodySource(random);
    const ways = [inbound.address, outbound.address, chained.address];
    let next = 0;
    const client = async (index: number): Promise<void> => {
      let link = await dial(ways[index % ways.length]!, LINK);
      while (next < PAIRS) {
        const id = next++;
        // Each pair has its own generator, so that it does not depend on who runs first.
        const pair = randomPair(new Random(SEED + id * 7919), source, id);
        pairs.set(id, pair);
        await exchange(link, pair);
        pairs.delete(id);
        if (id % 10 === 0) {
          link.destroy();
          link = await dial(ways[(index + id) % ways.length]!, LINK);
        }
      }
      link.destroy();
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
    assert.deepEqual(upstream.failures, []);
  });
});
