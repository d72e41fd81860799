/**
 * Every exchange of the conformance tables through two sidecars, with HTTP/1.1 between them and with
 * HTTP/1.1 on HTTP/2: the application and the client get the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Exchange } from '../conformance/http1-exchange.ts';
import { REQUEST_EXCHANGES } from '../conformance/http1-exchanges-requests.ts';
import { RESPONSE_EXCHANGES } from '../conformance/http1-exchanges-responses.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import {
  type Field,
  type Message,
  headOf,
  readRequest,
  readResponse,
  valuesOf,
} from '../support/raw-http.ts';
import { PeerServer, type PeerLink, dial } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const EXCHANGES = [...REQUEST_EXCHANGES, ...RESPONSE_EXCHANGES];
const NEXT = headOf('GET /next HTTP/1.1', 'Host: web', 'Connection: close');

/** What both ends of one exchange were given. */
interface Told {
  readonly requests: readonly Seen[];
  readonly response: Seen;
}
type Seen = Omit<Message, 'body'> & { readonly body: string };

const lower = ([name]: Field): string => name.toLowerCase();
const isHost = (field: Field): boolean => lower(field) === 'host';

/** Host first, and names that are there in two letter cases in one. */
function settled(fields: readonly Field[]): Field[] {
  const ordered = [...fields.filter(isHost), ...fields.filter((one) => !isHost(one))];
  return ordered.map((field) => {
    const alike = ordered.filter((other) => lower(other) === lower(field));
    const names = new Set(alike.map(([name]) => name));
    return names.size > 1 ? [lower(field), field[1]] : field;
  });
}

/**
 * What decision 011 says is not the same is made so; blanks around a reason phrase are gone, and a
 * repeat of Content-Length in another letter case.
 */
const seen = (message: Message): Seen => ({
  ...message,
  startLine: message.startLine.trimEnd(),
  fields: settled(message.fields).map((field) =>
    lower(field) === 'content-length' ? ['content-length', field[1]] : field,
  ),
  body: message.body.toString('latin1'),
});

describe('HTTP/1.1 exchange between two sidecars, with and without HTTP/2', () => {
  let application: PeerServer;
  let inbound: Sidecar;
  /** Each on one inbound sidecar: requests ride HTTP/2, or not. */
  let plain: Sidecar;
  let riding: Sidecar;
  let current: Exchange;
  let requests: Message[] = [];
  let inPieces = false;

  const offsetsOf = (bytes: string): number[] => {
    if (!inPieces) return [];
    const step = Math.ceil(bytes.length / 100);
    return Array.from({ length: Math.floor(bytes.length / step) }, (_, i) => (i + 1) * step);
  };

  async function answer(link: PeerLink): Promise<void> {
    for (;;) {
      const request = await readRequest(link);
      requests.push(request);
      if (request.startLine.startsWith('GET /next ')) {
        await link.send(headOf('HTTP/1.1 204 No Content'));
        continue;
      }
      const { response, responseEnds } = current;
      await link.sendCut(response, offsetsOf(response));
      if (responseEnds) link.halfClose();
    }
  }

  const outbound = (transport: string): Promise<Sidecar> => {
    const to = ['--to', `web:80=sidecar://${inbound.inbound}`, '--http1-transport', transport];
    return Sidecar.start('--way-out', '127.0.0.1:0=web:80', ...to);
  };

  before(async () => {
    application = await PeerServer.listen(answer);
    inbound = await Sidecar.inbound(application.port);
    [plain, riding] = await Promise.all([outbound('http1'), outbound('http2')]);
  });
  after(async () => {
    await Promise.all([plain?.stop(), riding?.stop(), inbound?.stop()]);
    await application?.close();
    assert.deepEqual(application?.failures, []);
  });

  /** Connections that the inbound sidecar has been given so far. */
  async function between(): Promise<number> {
    const samples = parseSamples((await inbound.admin('/metrics')).text);
    return sumOf(samples, 'tcp_open_total', { direction: 'inbound', peer: 'src' });
  }

  async function run(sidecar: Sidecar, exchange: Exchange): Promise<Told> {
    current = exchange;
    requests = [];
    using link = await dial(sidecar.wayOut);
    const method = exchange.request.trimStart().split(' ')[0];
    const sent = link.sendCut(exchange.request, offsetsOf(exchange.request));
    const response = await readResponse(link, method);
    await sent;
    if (exchange.client === 'open') {
      await link.send(NEXT);
      await readResponse(link);
    }
    assert.equal(await link.takeSome(), undefined, 'the connection ends and nothing follows');
    return { requests: requests.map(seen), response: seen(response) };
  }

  for (const exchange of EXCHANGES) {
    it(`is the same: ${exchange.name} (${exchange.section})`, async () => {
      inPieces = false;
      const expected = await run(plain, exchange);
      const actual = await run(riding, exchange);
      assert.deepEqual(actual, expected);
      for (const { fields } of [...actual.requests, actual.response]) {
        assert.deepEqual(valuesOf(fields, 'culvert-orig-proto'), []);
      }
    });
  }

  it('is the same in pieces of some bytes', async () => {
    inPieces = true;
    for (const exchange of EXCHANGES) {
      const expected = await run(plain, exchange);
      assert.deepEqual(await run(riding, exchange), expected, exchange.name);
    }
  });

  it('needs one connection between the two, whoever closes', async () => {
    inPieces = false;
    const names = new Set(['Content-Length', 'Connection: close of the client', 'HTTP/1.0']);
    const exchanges = EXCHANGES.filter(({ name }) => names.has(name));
    assert.equal(exchanges.length, names.size);
    await run(riding, exchanges[0]!);
    const opened = await between();
    for (let i = 0; i < 12; i++) await run(riding, exchanges[i % exchanges.length]!);
    assert.equal(await between(), opened);
  });
});
