import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../support/deadline.ts';
import {
  headOf,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  valuesOf,
  type Message,
} from '../support/raw-http.ts';
import {
  dial,
  EndOfBytesError,
  PeerServer,
  unusedPort,
  type PeerLink,
} from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const GET = headOf('GET /x HTTP/1.1', 'Host: web');
const POST = `${headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 5')}hello`;

async function ask(client: PeerLink, request = GET): Promise<Message> {
  await client.send(request);
  return readResponse(client, request.split(' ')[0]);
}

/** Answers every request of a connection with 200. */
async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

const start = (side: 'inbound' | 'outbound', port: number): Promise<Sidecar> =>
  side === 'inbound' ? Sidecar.inbound(port) : Sidecar.outbound([port]);

describe('an upstream that cannot be reached', () => {
  it('gives 502 inbound, without a sentence for strangers, and the connection lives', async () => {
    await using sidecar = await Sidecar.inbound(await unusedPort());
    using client = await dial(sidecar.address);
    for (let count = 0; count < 3; count++) {
      const response = await ask(client);
      assert.equal(statusOf(response), 502);
      assert.deepEqual(valuesOf(response.fields, 'culvert-proxy-error'), []);
    }
  });

  it('gives 502 outbound, with a sentence for the application', async () => {
    await using sidecar = await Sidecar.outbound([await unusedPort(), await unusedPort()]);
    using client = await dial(sidecar.address);
    const response = await ask(client, POST);
    assert.equal(statusOf(response), 502);
    assert.match(valuesOf(response.fields, 'culvert-proxy-error').join(), /\w+ \w+/);
  });

  it('gives a gRPC client 200 and grpc-status 14', async () => {
    await using sidecar = await Sidecar.outbound([await unusedPort()]);
    using client = await dial(sidecar.address);
    const request = headOf(
      'POST /a.B/C HTTP/1.1',
      'Host: web',
      'Content-Type: application/grpc+proto',
    );
    const response = await ask(client, request);
    assert.equal(statusOf(response), 200);
    assert.deepEqual(valuesOf(response.fields, 'grpc-status'), ['14']);
    assert.match(valuesOf(response.fields, 'content-type').join(), /^application\/grpc/);
    assert.match(valuesOf(response.fields, 'grpc-message').join(), /\w/);
  });

  it('is not noticed when another endpoint serves', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.outbound([await unusedPort(), upstream.port]);
    using client = await dial(sidecar.address);
    for (let count = 0; count < 40; count++) {
      assert.equal(statusOf(await ask(client, count % 2 === 0 ? GET : POST)), 200);
    }
  });

  it('is served again once it is back', async () => {
    const port = await unusedPort();
    await using sidecar = await Sidecar.inbound(port);
    using client = await dial(sidecar.address);
    assert.equal(statusOf(await ask(client)), 502);
    await using upstream = await PeerServer.listen(answerAll, { port });
    assert.equal(upstream.port, port);
    await eventually('200', async () => statusOf(await ask(client)) === 200);
  });

  it('gives 404 with a sentence when the authority is unknown', async () => {
    await using sidecar = await Sidecar.outbound([await unusedPort()]);
    using client = await dial(sidecar.address);
    const response = await ask(client, headOf('GET /x HTTP/1.1', 'Host: nobody.invalid'));
    assert.equal(statusOf(response), 404);
    assert.match(valuesOf(response.fields, 'culvert-proxy-error').join(), /nobody\.invalid/);
    assert.equal(statusOf(await ask(client)), 502, 'the connection lives');
  });

  it('gives 508 when it is the sidecar itself', async () => {
    const port = await unusedPort();
    const own = `127.0.0.1:${port}`;
    await using sidecar = await Sidecar.start('--outbound', own, '--to', `web=${own}`);
    using client = await dial(sidecar.address);
    assert.equal(statusOf(await ask(client)), 508);
  });
});

for (const side of ['inbound', 'outbound'] as const) {
  describe(`an upstream that breaks, ${side}`, () => {
    it('gives 502 when it resets a fresh connection before a head', async () => {
      await using upstream = await PeerServer.listen(async (link) => {
        await readRequest(link);
        link.reset();
      });
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      assert.equal(statusOf(await ask(client)), 502);
      assert.equal(upstream.links.length, 1);
      assert.equal(statusOf(await ask(client, POST)), 502);
      assert.equal(upstream.links.length, 2);
    });

    it('gives 502 when it ends a fresh connection before a head', async () => {
      await using upstream = await PeerServer.listen(async (link) => {
        await readRequest(link);
        link.destroy();
      });
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      assert.equal(statusOf(await ask(client)), 502);
      assert.equal(upstream.links.length, 1);
    });

    for (const way of ['resets', 'ends'] as const) {
      it(`is asked again once when it ${way} a reused connection, GET`, async () => {
        let seen = 0;
        await using upstream = await PeerServer.listen(async (link) => {
          await readRequest(link);
          seen++;
          await link.send(okAnswer(`link ${upstream.links.length}`));
          await readRequest(link);
          seen++;
          if (way === 'resets') link.reset();
          else link.destroy();
        });
        await using sidecar = await start(side, upstream.port);
        using client = await dial(sidecar.address);
        assert.equal((await ask(client)).body.toString(), 'link 1');
        assert.equal((await ask(client)).body.toString(), 'link 2');
        assert.equal(seen, 3);
      });
    }

    it('gives 502 when the second connection breaks too', async () => {
      await using upstream = await PeerServer.listen(async (link) => {
        await readRequest(link);
        if (upstream.links.length > 1) return link.reset();
        await link.send(okAnswer());
        await readRequest(link);
        return link.reset();
      });
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      assert.equal(statusOf(await ask(client)), 200);
      assert.equal(statusOf(await ask(client)), 502);
      assert.equal(upstream.links.length, 2);
    });

    it('gives 502 when it resets a reused connection, POST', async () => {
      await using upstream = await PeerServer.listen(async (link) => {
        await readRequest(link);
        await link.send(okAnswer());
        await readRequest(link);
        link.reset();
      });
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      assert.equal(statusOf(await ask(client, POST)), 200);
      assert.equal(statusOf(await ask(client, POST)), 502);
      assert.equal(upstream.links.length, 1);
    });

    for (const [framing, head] of [
      ['a length', headOf('HTTP/1.1 200 OK', 'Content-Length: 99')],
      ['chunks', `${headOf('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}4\r\n`],
      ['the end of the connection', headOf('HTTP/1.1 200 OK')],
    ] as const) {
      it(`never looks whole when it resets in a body framed by ${framing}`, async () => {
        await using upstream = await PeerServer.listen(async (link) => {
          await readRequest(link);
          await link.send(`${head}part`);
          await client.arrived('part');
          link.reset();
        });
        await using sidecar = await start(side, upstream.port);
        using client = await dial(sidecar.address);
        await assert.rejects(ask(client), EndOfBytesError);
      });
    }

    it('is left when the client goes before the answer', async () => {
      await using upstream = await PeerServer.listen((link) => readRequest(link));
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      await client.send(GET);
      await eventually('the request upstream', () => upstream.links[0]?.takenBytes);
      assert.equal(upstream.links[0]?.ended, false);
      client.reset();
      await upstream.links[0]?.untilEnded();
    });

    it('is left when the client goes within the answer', async () => {
      await using upstream = await PeerServer.listen(async (link) => {
        await readRequest(link);
        await link.send(`${headOf('HTTP/1.1 200 OK', 'Content-Length: 9')}part`);
      });
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      await client.send(GET);
      await client.arrived('part');
      client.reset();
      await upstream.links[0]?.untilEnded();
    });

    it('is left when the client goes within the request', async () => {
      await using upstream = await PeerServer.listen((link) => readRequest(link));
      await using sidecar = await start(side, upstream.port);
      using client = await dial(sidecar.address);
      await client.send(`${headOf('POST /x HTTP/1.1', 'Host: web', 'Content-Length: 9')}part`);
      await eventually('the request upstream', () => upstream.links[0]?.received.includes('part'));
      client.reset();
      const received = await upstream.links[0]!.untilEnded();
      assert.equal(received.toString('latin1').endsWith('part'), true);
    });
  });
}

describe('a pooled connection', () => {
  it('serves the next request, of another client too', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    for (let count = 0; count < 5; count++) {
      using client = await dial(sidecar.address);
      assert.equal(statusOf(await ask(client, POST)), 200);
    }
    assert.equal(upstream.links.length, 1);
  });

  it('that its server closed while idle is not used', async () => {
    await using upstream = await PeerServer.listen(async (link) => {
      await readRequest(link);
      await link.send(okAnswer());
      link.destroy();
    });
    await using sidecar = await Sidecar.inbound(upstream.port);
    using client = await dial(sidecar.address);
    for (let count = 1; count <= 5; count++) {
      assert.equal(statusOf(await ask(client, GET)), 200);
      await eventually('the upstream to close', () => upstream.links.at(-1)?.closed);
      assert.equal(upstream.links.length, count);
    }
  });

  it('that is to be closed after its answer is not used', async () => {
    await using upstream = await PeerServer.listen(async (link) => {
      await readRequest(link);
      await link.send(okAnswer('ok', 'Connection: close'));
    });
    await using sidecar = await Sidecar.inbound(upstream.port);
    using client = await dial(sidecar.address);
    for (let count = 1; count <= 3; count++) {
      assert.equal(statusOf(await ask(client, POST)), 200);
      await upstream.links.at(-1)?.untilEnded();
      assert.equal(upstream.links.length, count);
    }
  });

  it('is closed before the time that its server names', async () => {
    await using upstream = await PeerServer.listen(async (link) => {
      await readRequest(link);
      await link.send(okAnswer('ok', 'Keep-Alive: timeout=1'));
    });
    await using sidecar = await Sidecar.inbound(upstream.port);
    using client = await dial(sidecar.address);
    assert.equal(statusOf(await ask(client)), 200);
    const sinceMs = performance.now();
    await upstream.links[0]?.untilEnded();
    const idleMs = performance.now() - sinceMs;
    assert.ok(idleMs < 1_500, `closed after ${idleMs} ms`);
  });

  it('is closed when it has been idle for 3 s', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    using client = await dial(sidecar.address);
    assert.equal(statusOf(await ask(client)), 200);
    const sinceMs = performance.now();
    await upstream.links[0]?.untilEnded();
    const idleMs = performance.now() - sinceMs;
    assert.ok(idleMs > 2_000 && idleMs < 4_500, `closed after ${idleMs} ms`);
    assert.equal(client.ended, false, 'the client keeps its connection');
  });
});
