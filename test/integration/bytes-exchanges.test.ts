import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Exchange, Expected } from '../conformance/http1-exchange.ts';
import { REQUEST_EXCHANGES } from '../conformance/http1-exchanges-requests.ts';
import { RESPONSE_EXCHANGES } from '../conformance/http1-exchanges-responses.ts';
import {
  headOf,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
  type Message,
} from '../support/raw-http.ts';
import { dial, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const EXCHANGES = [...REQUEST_EXCHANGES, ...RESPONSE_EXCHANGES];
/** Fields that belong to one hop; the proxy sets its own. */
const OF_ONE_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'te',
]);

function check(what: string, actual: Message, expected: Expected): void {
  if (expected.startLine !== undefined) assert.equal(actual.startLine, expected.startLine, what);
  if (expected.framing !== undefined) assert.equal(actual.framing, expected.framing, what);
  if (expected.body !== undefined) assert.equal(actual.body.toString('latin1'), expected.body);
  if (expected.trailers !== undefined) assert.deepEqual(actual.trailers, expected.trailers, what);
  if (expected.interim !== undefined) {
    const lines = actual.interim.map(({ startLine }) => startLine);
    assert.deepEqual(lines, expected.interim, what);
  }
  if (expected.fields !== undefined) {
    const endToEnd = actual.fields.filter(([name]) => !OF_ONE_HOP.has(name.toLowerCase()));
    assert.deepEqual(endToEnd, expected.fields, what);
  }
  for (const [name, values] of Object.entries(expected.values ?? {})) {
    assert.deepEqual(valuesOf(actual.fields, name), values, `${what}: ${name}`);
  }
}

/** Every offset of `bytes`, or about 200 of a long message. */
function offsetsOf(bytes: string): number[] {
  const step = Math.ceil(bytes.length / 200);
  return Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => (i + 1) * step);
}

const NEXT: Exchange = {
  ...EXCHANGES[0]!,
  name: 'the next request',
  request: headOf('GET /next HTTP/1.1', 'Host: web', 'Connection: close'),
  forwarded: { startLine: 'GET /next HTTP/1.1' },
  received: { startLine: 'HTTP/1.1 200 OK', body: 'ok' },
};

for (const side of ['inbound', 'outbound'] as const) {
  describe(`HTTP/1.1 exchange, ${side}`, () => {
    let upstream: PeerServer;
    let sidecar: Sidecar;
    let current = NEXT;
    let inPieces = false;
    let requests: Message[] = [];

    async function answer(link: PeerLink): Promise<void> {
      for (;;) {
        const request = await readRequest(link);
        requests.push(request);
        // The next exchange may have begun when the last byte of this answer has left.
        const { response, responseEnds } = current;
        await link.sendCut(response, inPieces ? offsetsOf(response) : []);
        if (responseEnds) link.halfClose();
      }
    }

    before(async () => {
      upstream = await PeerServer.listen(answer);
      const { port } = upstream;
      sidecar = side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
    });
    after(async () => {
      await sidecar?.stop();
      await upstream?.close();
      assert.deepEqual(upstream?.failures, []);
    });

    async function run(exchange: Exchange, link: PeerLink): Promise<void> {
      current = exchange;
      requests = [];
      const method = exchange.request.trimStart().split(' ')[0];
      const sent = link.sendCut(exchange.request, inPieces ? offsetsOf(exchange.request) : []);
      const received = await readResponse(link, method);
      await sent;
      assert.equal(requests.length, 1, 'requests that reached the upstream');
      check('forwarded', requests[0]!, exchange.forwarded);
      check('received', received, exchange.received);
    }

    async function runWhole(exchange: Exchange): Promise<void> {
      using link = await dial(sidecar.address);
      await run(exchange, link);
      if (exchange.client === 'open') await run(NEXT, link);
      assert.equal(await link.takeSome(), undefined, 'the connection ends and nothing follows');
    }

    const exchanges = EXCHANGES.filter((one) => side === 'inbound' || !one.inboundOnly);
    for (const exchange of exchanges) {
      it(`passes: ${exchange.name} (${exchange.section})`, async () => {
        inPieces = false;
        await runWhole(exchange);
      });
    }

    it('passes in pieces of one byte', async () => {
      inPieces = true;
      for (const exchange of exchanges) {
        try {
          await runWhole(exchange);
        } catch (error) {
          throw new Error(`${exchange.name}: ${String(error)}`, { cause: error });
        }
      }
    });

    it('answers pipelined requests in order', async () => {
      inPieces = false;
      current = NEXT;
      requests = [];
      const targets = Array.from({ length: 20 }, (_, i) => `/${i}`);
      using link = await dial(sidecar.address);
      const bodies = targets.map((target, i) =>
        i % 3 === 0
          ? `${headOf(`POST ${target} HTTP/1.1`, 'Host: web', 'Content-Length: 3')}abc`
          : headOf(`GET ${target} HTTP/1.1`, 'Host: web'),
      );
      await link.send(bodies.join(''));
      for (const _ of targets) assert.equal(statusOf(await readResponse(link)), 200);
      assert.deepEqual(
        requests.map(({ startLine }) => startLine.split(' ')[1]),
        targets,
      );
    });
  });
}
