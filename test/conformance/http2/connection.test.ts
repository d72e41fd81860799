/** How connections begin, go on and end, in both roles: what a table of frames cannot say. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { codeName, Http2Peer, StreamResetError, valueOf } from '../../support/http2-peer.ts';
import { settingsOf, type Received } from '../../support/http2-referee.ts';
import {
  ACK,
  data,
  END_STREAM,
  frameBytes,
  getBlock,
  goaway,
  headers,
  lastHeaders,
  ping,
  postBlock,
  PREFACE,
  requestBlock,
  reset,
  SETTING,
  settings,
  statusBlock,
} from '../../support/http2-wire.ts';
import { dial } from '../../support/scripted-peer.ts';
import { TwoEnds } from './two-ends.ts';

const GET = lastHeaders(1, getBlock());
const isAck = ({ type, flags }: Received): boolean => type === 'SETTINGS' && flags === ACK;

/** Answers the next request of `upstream` with 200. */
async function answerNext(upstream: Http2Peer): Promise<void> {
  const { stream } = await upstream.nextRequest();
  void upstream.send(lastHeaders(stream, statusBlock(200)));
}

const status = async (client: Http2Peer, stream: number): Promise<string | undefined> =>
  valueOf((await client.message(stream)).fields, ':status');

describe('HTTP/2 connections', () => {
  let ends: TwoEnds;
  before(async () => {
    ends = await TwoEnds.start();
  });
  after(() => ends.stop());
  afterEach(async () => {
    assert.deepEqual(await ends.hangUp(), []);
  });

  describe('with a client', () => {
    it('3.4: sends SETTINGS first, with limits', async () => {
      const client = await ends.dial();
      await client.alive();
      const [first] = client.received;
      assert.equal(first?.type, 'SETTINGS');
      const values = settingsOf(first?.payload ?? Buffer.alloc(0));
      assert.ok((values.get(SETTING.MAX_CONCURRENT_STREAMS) ?? 0) >= 100);
      assert.ok((values.get(SETTING.MAX_HEADER_LIST_SIZE) ?? 0) > 0);
      assert.equal(values.get(SETTING.ENABLE_PUSH) ?? 0, 0);
    });

    it('3.4: serves a preface and a request wherever they are cut', async () => {
      const bytes = Buffer.concat([PREFACE, settings(), GET]);
      const cuts = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
      const clients: Http2Peer[] = [];
      ends.answers = true;
      for (const cut of cuts) {
        const client = Http2Peer.bare(await dial(ends.sidecar.address), 'client', {
          acknowledges: false,
        });
        clients.push(client);
        client.referee.sent(bytes);
        void client.link.send(bytes.subarray(0, cut));
      }
      // A connection of its own that is answered: the sidecar has read the first parts.
      const other = await ends.dial();
      await other.alive();
      clients.forEach((client, i) => {
        void client.link.send(bytes.subarray(cuts[i]));
      });
      for (const client of clients) {
        assert.equal(await status(client, 1), '200');
        assert.deepEqual(client.violations, []);
        client.destroy();
      }
    });

    for (const text of [
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\rX',
      'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
      'PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n',
      'PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'INVALID CONNECTION PREFACE\r\n\r\n',
    ]) {
      it(`3.4: ends a connection that begins with ${JSON.stringify(text)}`, async () => {
        using link = await dial(ends.sidecar.address);
        void link.send(text);
        void link.send(settings());
        await link.untilEnded();
      });
    }

    it('6.5.3: acknowledges each SETTINGS, once', async () => {
      const client = await ends.dial();
      void client.send(settings([SETTING.INITIAL_WINDOW_SIZE, 9]), settings(), settings());
      await client.alive();
      assert.equal(client.received.filter(isAck).length, 4);
      // An acknowledgement is not acknowledged.
      void client.send(frameBytes('SETTINGS', ACK, 0));
      await client.alive();
      assert.equal(client.received.filter(isAck).length, 4);
    });

    it('6.7: answers PING with its octets, and no answer', async () => {
      const client = await ends.dial();
      void client.send(ping('\0\x01\x7f\x80\xff\xfeab'), ping('answered', ACK));
      await client.alive();
      const pings = client.received.filter(({ type }) => type === 'PING');
      assert.deepEqual(
        pings.map(({ flags, payload }) => [flags, payload.toString('latin1')]),
        [
          [ACK, '\0\x01\x7f\x80\xff\xfeab'],
          [ACK, 'alive000'],
        ],
      );
    });

    it('5.4.2: does not answer RST_STREAM with RST_STREAM', async () => {
      const client = await ends.dial();
      void client.send(headers(1, postBlock()), reset(1, 'CANCEL'));
      await client.alive();
      assert.equal(
        client.received.some(({ type }) => type === 'RST_STREAM'),
        false,
      );
    });

    it('6.8: names in GOAWAY the last stream that it served', async () => {
      const client = await ends.dial();
      void client.send(GET);
      await answerNext(await ends.upstream());
      await client.message(1);
      void client.send(lastHeaders(5, getBlock()), data(0, 'x'));
      const { lastStream, code } = await client.goaway();
      assert.equal(code, 'PROTOCOL_ERROR');
      assert.equal(lastStream, 5);
      await client.untilEnded();
    });

    it('6.8: answers what a client asked before its GOAWAY, and then ends', async () => {
      const client = await ends.dial();
      void client.send(GET, lastHeaders(3, getBlock()), goaway(0, 'NO_ERROR', 'bye'));
      const upstream = await ends.upstream();
      await answerNext(upstream);
      await answerNext(upstream);
      assert.equal(await status(client, 1), '200');
      assert.equal(await status(client, 3), '200');
      await client.untilEnded();
      assert.equal((await client.goaway()).code, 'NO_ERROR');
    });

    it('6.8: takes a GOAWAY with an unknown code when nothing is asked', async () => {
      const client = await ends.dial();
      void client.send(goaway(0, 0xff));
      await client.untilEnded();
    });

    it('9.1: takes the FIN of a client for its end, and cancels what it asked for', async () => {
      const client = await ends.dial({ acknowledges: false });
      void client.send(GET);
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextHead();
      client.link.halfClose();
      assert.equal(await upstream.reset(stream), 'CANCEL');
      await client.untilEnded();
      await upstream.alive();
    });

    it('8.1: gives a client the whole answer that came before its request ended', async () => {
      const client = await ends.dial();
      void client.send(headers(1, postBlock()), data(1, 'half'));
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextHead();
      void upstream.send(headers(stream, statusBlock(200)), data(stream, 'early', END_STREAM));
      void upstream.send(reset(stream, 'NO_ERROR'));
      const answer = await client.message(1);
      assert.equal(answer.body.toString(), 'early');
      await client.alive();
    });
  });

  describe('with a server', () => {
    it('3.4: sends the preface and SETTINGS that forbid push', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      await answerNext(upstream);
      await client.message(1);
      const [first] = upstream.received;
      assert.equal(first?.type, 'SETTINGS');
      assert.equal(settingsOf(first?.payload ?? Buffer.alloc(0)).get(SETTING.ENABLE_PUSH), 0);
      await upstream.alive();
      assert.equal(upstream.received.filter(isAck).length, 1);
    });

    it('5.1.1: opens streams 1, 3, 5 on one connection', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      await answerNext(upstream);
      await client.message(1);
      for (const stream of [3, 5]) {
        void client.send(lastHeaders(stream, getBlock()));
        const request = await upstream.nextRequest();
        assert.equal(request.stream, stream);
        void upstream.send(lastHeaders(stream, statusBlock(200)));
        await client.message(stream);
      }
    });

    it('5.1.2: opens no more streams at a time than it may', async () => {
      const client = await ends.dial({}, { settings: [[SETTING.MAX_CONCURRENT_STREAMS, 1]] });
      void client.send(GET);
      const upstream = await ends.upstream();
      await answerNext(upstream);
      await client.message(1);
      void client.send(lastHeaders(3, getBlock()), lastHeaders(5, getBlock()));
      const second = await upstream.nextRequest();
      // The other one waits, or goes elsewhere.
      await upstream.alive();
      const open = upstream.received.filter(({ stream, type }) => type === 'HEADERS' && stream > 1);
      assert.equal(open.length, 1, upstream.story());
      void upstream.send(lastHeaders(second.stream, statusBlock(200)));
      const third = upstream.nextRequest().then(
        (request) => ({ peer: upstream, request }),
        () => undefined,
      );
      const elsewhere = ends.upstream().then(
        async (peer) => ({ peer, request: await peer.nextRequest() }),
        () => undefined,
      );
      const taken = (await Promise.race([third, elsewhere])) ?? (await third) ?? (await elsewhere);
      assert.ok(taken !== undefined);
      void taken.peer.send(lastHeaders(taken.request.stream, statusBlock(200)));
      assert.equal(await status(client, 3), '200');
      assert.equal(await status(client, 5), '200');
    });

    it('8.7: tries a refused request again', async () => {
      const client = await ends.dial();
      void client.send(headers(1, postBlock()), data(1, 'body', END_STREAM));
      const upstream = await ends.upstream();
      const first = await upstream.nextRequest();
      void upstream.send(reset(first.stream, 'REFUSED_STREAM'));
      const again = await nextAnywhere(ends, upstream);
      assert.equal(again.request.body.toString(), 'body');
      void again.peer.send(lastHeaders(again.request.stream, statusBlock(200)));
      assert.equal(await status(client, 1), '200');
    });

    it('6.8: tries a request again that GOAWAY says was not processed', async () => {
      const client = await ends.dial();
      void client.send(headers(1, postBlock()), data(1, 'body', END_STREAM));
      const upstream = await ends.upstream();
      await upstream.nextRequest();
      void upstream.send(goaway(0, 'NO_ERROR'));
      const other = await ends.upstream();
      const again = await other.nextRequest();
      assert.equal(again.body.toString(), 'body');
      void other.send(lastHeaders(again.stream, statusBlock(200)));
      assert.equal(await status(client, 1), '200');
      await upstream.untilEnded();
    });

    it('6.8: lets what GOAWAY names come to its end, and asks elsewhere', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextRequest();
      void upstream.send(goaway(stream, 'NO_ERROR'));
      await upstream.alive();
      void client.send(lastHeaders(3, getBlock()));
      await answerNext(await ends.upstream());
      assert.equal(await status(client, 3), '200');
      void upstream.send(lastHeaders(stream, statusBlock(200)));
      assert.equal(await status(client, 1), '200');
      await upstream.untilEnded();
    });

    it('6.8: takes a GOAWAY in two steps', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextRequest();
      void upstream.send(goaway(2 ** 31 - 1, 'NO_ERROR'), ping('twosteps'), goaway(stream, 0));
      void upstream.send(lastHeaders(stream, statusBlock(200)));
      assert.equal(await status(client, 1), '200');
      await upstream.untilEnded();
    });

    for (const code of ['CANCEL', 'INTERNAL_ERROR', 'ENHANCE_YOUR_CALM', 'NO_ERROR'] as const) {
      it(`5.4.2: cuts an answer that its server resets with ${code}`, async () => {
        const client = await ends.dial();
        void client.send(GET);
        const upstream = await ends.upstream();
        const { stream } = await upstream.nextRequest();
        void upstream.send(headers(stream, statusBlock(200)), data(stream, 'ha'));
        await client.frame('DATA', ({ type }) => type === 'DATA');
        void upstream.send(reset(stream, code));
        const passedOn = await client.reset(1);
        if (code !== 'NO_ERROR') assert.equal(passedOn, code);
        await client.alive();
        await upstream.alive();
      });
    }

    it('7: cuts an answer that its server resets with an unknown code', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextRequest();
      void upstream.send(headers(stream, statusBlock(200)));
      await client.frame('HEADERS', ({ type }) => type === 'HEADERS');
      void upstream.send(reset(stream, 0xfe));
      await assert.rejects(client.message(1), StreamResetError);
      await upstream.alive();
    });

    it('5.4.2: tells the server of a client that cancels', async () => {
      const client = await ends.dial();
      void client.send(GET);
      const upstream = await ends.upstream();
      const { stream } = await upstream.nextRequest();
      void client.send(reset(1, 'CANCEL'));
      assert.equal(await upstream.reset(stream), 'CANCEL');
      await client.alive();
      await upstream.alive();
    });

    it('5.4.1: ends a connection in an error with GOAWAY, and answers what it asked', async () => {
      const client = await ends.dial();
      void client.send(GET, lastHeaders(3, requestBlock('POST', '/')));
      const upstream = await ends.upstream();
      await upstream.nextRequest();
      await upstream.nextRequest();
      void upstream.send(data(0, 'x'));
      const { lastStream, code } = await upstream.goaway();
      assert.deepEqual([lastStream, code], [0, codeName(1)]);
      await upstream.untilEnded();
      assert.equal(await status(client, 3), '502');
    });
  });
});

/** The next request, on `peer` or on another connection. */
async function nextAnywhere(ends: TwoEnds, peer: Http2Peer) {
  const here = peer.nextRequest().then((request) => ({ peer, request }));
  const elsewhere = ends
    .upstream()
    .then(async (other) => ({ peer: other, request: await other.nextRequest() }));
  return Promise.any([here, elsewhere]);
}
