import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  headOf,
  okAnswer,
  readRequest,
  readRequestBody,
  readRequestHead,
  readResponse,
  statusOf,
  valuesOf,
} from '../support/raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

/** No connection of one test is pooled for the next. */
const LAST = 'Connection: close';
const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const CHUNKED_POST = headOf('POST /x HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked');

for (const side of ['inbound', 'outbound'] as const) {
  describe(`streaming through a sidecar, ${side}`, () => {
    let upstream: PeerServer;
    let sidecar: Sidecar;
    let script: (link: PeerLink) => Promise<void>;
    before(async () => {
      upstream = await PeerServer.listen((link) => script(link));
      const { port } = upstream;
      sidecar = side === 'inbound' ? await Sidecar.inbound(port) : await Sidecar.outbound([port]);
    });
    after(async () => {
      await sidecar?.stop();
      await upstream?.close();
      assert.deepEqual(upstream?.failures, []);
    });

    /** Hands the next upstream connection to the test. */
    function nextLink(): Promise<PeerLink> {
      const link = Promise.withResolvers<PeerLink>();
      script = async (next) => link.resolve(next);
      return link.promise;
    }

    it('Expect: 100-continue gets the 100 of the upstream, then sends its body', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(
        headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 5', 'Expect: 100-continue'),
      );
      using server = await accepted;
      const head = await readRequestHead(server);
      assert.deepEqual(valuesOf(head.fields, 'expect'), ['100-continue']);
      await server.send(headOf('HTTP/1.1 100 Continue'));
      await client.arrived('HTTP/1.1 100 Continue\r\n\r\n');
      await client.send('hello');
      assert.equal((await readRequestBody(server, head)).body.toString(), 'hello');
      await server.send(okAnswer('ok', LAST));
      const response = await readResponse(client, 'POST');
      assert.equal(statusOf(response), 200);
      assert.equal(response.interim.length, 1);
    });

    it('Expect: 100-continue gets the final status of an upstream that does not continue', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(
        headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 5', 'Expect: 100-continue'),
      );
      using server = await accepted;
      await readRequestHead(server);
      await server.send(headOf('HTTP/1.1 413 Content Too Large', LAST, 'Content-Length: 0'));
      const response = await readResponse(client, 'POST');
      assert.equal(statusOf(response), 413);
      assert.equal(response.interim.length, 0);
    });

    it('an early answer arrives whole while the request body still flows', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(`${CHUNKED_POST}5\r\nfirst\r\n`);
      using server = await accepted;
      const head = await readRequestHead(server);
      await server.arrived('first');
      await server.send(okAnswer('early'));
      assert.equal((await readResponse(client, 'POST')).body.toString(), 'early');
      await client.send('6\r\nsecond\r\n0\r\n\r\n');
      assert.equal((await readRequestBody(server, head)).body.toString(), 'firstsecond');
      await client.send(GET);
      script = async (link) => {
        await readRequest(link);
        await link.send(okAnswer('next', LAST));
      };
      void script(server).catch(() => {});
      assert.equal((await readResponse(client)).body.toString(), 'next');
    });

    it('an answer that refuses the body arrives whole though the client goes on sending', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 600000'));
      void client.send(Buffer.alloc(600_000));
      using server = await accepted;
      await readRequestHead(server);
      server.stall();
      await server.send(`${headOf('HTTP/1.1 413 Content Too Large', LAST, 'Content-Length: 2')}no`);
      server.halfClose();
      const response = await readResponse(client, 'POST');
      assert.equal(statusOf(response), 413);
      assert.equal(response.body.toString(), 'no');
    });

    it('a half-closed client still gets its answer', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(GET);
      client.halfClose();
      using server = await accepted;
      await readRequest(server);
      // Another exchange in between: the FIN has been read by then.
      script = async (link) => {
        await readRequest(link);
        await link.send(okAnswer('ok', LAST));
      };
      using other = await dial(sidecar.address);
      await other.send(GET);
      assert.equal(statusOf(await readResponse(other)), 200);
      assert.equal(server.ended, false);
      await server.send(`${headOf('HTTP/1.1 200 OK', LAST, 'Content-Length: 6')}wai`);
      await client.arrived('wai');
      await server.send('ted');
      assert.equal((await readResponse(client)).body.toString(), 'waited');
    });

    it('each part of a response arrives before the next is sent', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(GET);
      using server = await accepted;
      await readRequest(server);
      await server.send(headOf('HTTP/1.1 200 OK', LAST, 'Transfer-Encoding: chunked'));
      for (const part of ['one', 'two', 'six']) {
        await server.send(`3\r\n${part}\r\n`);
        await client.arrived(part);
      }
      await server.send('0\r\n\r\n');
      assert.equal((await readResponse(client)).body.toString(), 'onetwosix');
    });

    it('each part of a request arrives before the next is sent', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(CHUNKED_POST);
      using server = await accepted;
      const head = await readRequestHead(server);
      for (const part of ['one', 'two', 'six']) {
        await client.send(`3\r\n${part}\r\n`);
        await server.arrived(part);
      }
      await client.send('0\r\n\r\n');
      assert.equal((await readRequestBody(server, head)).body.toString(), 'onetwosix');
      await server.send(okAnswer('ok', LAST));
      assert.equal(statusOf(await readResponse(client, 'POST')), 200);
    });

    it('a response head arrives before the first byte of its body', async () => {
      const accepted = nextLink();
      using client = await dial(sidecar.address);
      await client.send(GET);
      using server = await accepted;
      await readRequest(server);
      await server.send(headOf('HTTP/1.1 200 OK', LAST, 'Content-Length: 2', 'X-A: b'));
      await client.arrived('X-A: b');
      await server.send('ok');
      assert.equal((await readResponse(client)).body.toString(), 'ok');
    });

    for (const [name, part] of [
      ['a length', `${headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 9')}part`],
      ['chunks', `${CHUNKED_POST}4\r\npart\r\n`],
    ] as const) {
      it(`a request with ${name} that its client cut never looks whole upstream`, async () => {
        const accepted = nextLink();
        using client = await dial(sidecar.address);
        await client.send(part);
        using server = await accepted;
        await server.arrived('part');
        client.halfClose();
        await assert.rejects(readRequest(server), EndOfBytesError);
        const answer = (await client.untilEnded()).toString('latin1');
        assert.match(answer, /^(?:HTTP\/1\.1 400 |$)/);
      });
    }
  });
}
