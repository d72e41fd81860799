/** What an application did not take is refused in HTTP/2, and tried elsewhere by the caller's sidecar. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http2Peer, valueOf } from '../support/http2-peer.ts';
import {
  END_STREAM,
  data,
  headers,
  lastHeaders,
  postBlock,
  requestBlock,
} from '../support/http2-wire.ts';
import { samplesOf } from '../support/mesh.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { headOf, okAnswer, readRequest, readResponse, statusOf } from '../support/raw-http.ts';
import { PeerServer, dial, unusedPort } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /a HTTP/1.1', 'Host: web');
const POST = `${headOf('POST /a HTTP/1.1', 'Host: web', 'Content-Length: 2')}ab`;
const REQUESTS = 30;

/** Answers in HTTP/1.1, with its name. */
const application = (name: string): Promise<PeerServer> =>
  PeerServer.listen(async (link) => {
    for (;;) {
      await readRequest(link);
      await link.send(okAnswer(name));
    }
  });

const errorsOf = async (sidecar: Sidecar, error: string): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'proxy_errors_total', { error });

describe('a stream whose application is gone', () => {
  it('is refused where the application has been there before', async () => {
    await using upstream = await application('web');
    await using inbound = await Sidecar.inboundOf('http1', upstream.port);
    using caller = await Http2Peer.dial(inbound.inbound, { givesCredit: true });
    const first = caller.open();
    void caller.send(lastHeaders(first, requestBlock('GET', '/a')));
    assert.equal(valueOf((await caller.message(first)).fields, ':status'), '200');
    await upstream.close();
    const get = caller.open();
    void caller.send(lastHeaders(get, requestBlock('GET', '/a')));
    assert.equal(await caller.reset(get), 'REFUSED_STREAM');
    const post = caller.open();
    void caller.send(headers(post, postBlock()), data(post, 'ab', END_STREAM));
    assert.equal(await caller.reset(post), 'REFUSED_STREAM');
    const call = caller.open();
    void caller.send(headers(call, postBlock(['content-type', 'application/grpc'])));
    assert.equal(await caller.reset(call), 'REFUSED_STREAM');
    await caller.alive();
    assert.deepEqual(caller.violations, []);
    assert.equal(await errorsOf(inbound, 'upstream-refused'), 3);
  });

  it('is answered 502 where it has never been there, and on HTTP/1.1', async () => {
    await using inbound = await Sidecar.inboundOf('http1', await unusedPort());
    using caller = await Http2Peer.dial(inbound.inbound, { givesCredit: true });
    const stream = caller.open();
    void caller.send(lastHeaders(stream, requestBlock('GET', '/a')));
    assert.equal(valueOf((await caller.message(stream)).fields, ':status'), '502');

    await using upstream = await application('web');
    await using other = await Sidecar.inboundOf('http1', upstream.port);
    using http1 = await dial(other.inbound);
    await http1.send(GET);
    assert.equal(statusOf(await readResponse(http1)), 200);
    await upstream.close();
    await http1.send(GET);
    assert.equal(statusOf(await readResponse(http1)), 502);
  });

  it('is taken to another endpoint by the sidecar of its caller, with its body', async () => {
    await using gone = await application('gone');
    await using there = await application('there');
    await using first = await Sidecar.inboundOf('http1', gone.port);
    await using second = await Sidecar.inboundOf('http1', there.port);
    const to = ['--to', `web:80=sidecar://${first.inbound},${second.inbound}`];
    const flags = [...to, '--http1-transport', 'http2'];
    await using outbound = await Sidecar.start('--way-out', '127.0.0.1:0=web:80', ...flags);
    using client = await dial(outbound.wayOut);
    const ask = async (request: string): Promise<string> => {
      await client.send(request);
      const response = await readResponse(client);
      assert.equal(statusOf(response), 200);
      return response.body.toString();
    };
    const names = new Set<string>();
    for (let n = 0; n < REQUESTS; n++) names.add(await ask(GET));
    assert.deepEqual([...names].toSorted(), ['gone', 'there']);
    await gone.close();
    for (let n = 0; n < REQUESTS; n++) assert.equal(await ask(n % 2 === 0 ? GET : POST), 'there');
    assert.ok((await errorsOf(first, 'upstream-refused')) > 0, 'it was asked');

    using own = await Http2Peer.dial(outbound.wayOut, { givesCredit: true });
    for (let n = 0; n < REQUESTS; n++) {
      const stream = own.open();
      void own.send(headers(stream, postBlock()), data(stream, 'ab', END_STREAM));
      const { body, fields } = await own.message(stream);
      assert.deepEqual([valueOf(fields, ':status'), body.toString()], ['200', 'there']);
    }
    assert.deepEqual(own.violations, []);
  });

  it('fails in the end where nobody else is', async () => {
    await using upstream = await application('web');
    await using inbound = await Sidecar.inboundOf('http1', upstream.port);
    const flags = ['--to', `web:80=sidecar://${inbound.inbound}`, '--http1-transport', 'http2'];
    await using outbound = await Sidecar.start('--way-out', '127.0.0.1:0=web:80', ...flags);
    using client = await dial(outbound.wayOut);
    await client.send(GET);
    assert.equal(statusOf(await readResponse(client)), 200);
    await upstream.close();
    await client.send(GET);
    assert.equal(statusOf(await readResponse(client)), 502);
    assert.equal(client.ended, false);
  });
});
