/** What happens while a message is under way: the same in both protocols, as far as they can say it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../proxy/limits.ts';
import type { Http2End } from '../../support/http2-end.ts';
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  postBlock,
  reset,
  statusBlock,
  windowUpdate,
} from '../../support/http2-wire.ts';
import { GET } from '../../support/stack-bench.ts';
import { TranslationBench } from '../../support/translation-bench.ts';

const POST = 'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK_CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The application's end of the one connection that came. */
function http2Application(bench: TranslationBench): Http2End {
  const [application] = bench.http2Applications;
  assert.ok(application !== undefined && bench.http2Applications.length === 1);
  return application;
}

describe('from HTTP/2 to HTTP/1.1', () => {
  it('each part goes on when it comes, both ways', async () => {
    const bench = await TranslationBench.toHttp1();
    const client = bench.http2Client();
    client.send(headers(1, postBlock()), data(1, 'one'));
    const [application] = bench.applications;
    assert.match(application?.take() ?? '', /\r\n\r\n3\r\none\r\n$/);
    application?.send(`${OK_CHUNKED}3\r\ntwo\r\n`);
    bench.run();
    assert.deepEqual(client.takeMain(), ['HEADERS 1 :status=200', 'DATA 1 two']);
    client.send(data(1, 'three'));
    assert.equal(application?.take(), '5\r\nthree\r\n');
    application?.send('0\r\n\r\n');
    bench.run();
    assert.deepEqual(client.takeMain(), ['DATA 1  end']);
    client.send(data(1, '', END_STREAM));
    assert.equal(application?.take(), '0\r\n\r\n');
    bench.finish(client.peer);
  });

  it('100 (Continue) comes back before the body goes', async () => {
    const bench = await TranslationBench.toHttp1();
    const client = bench.http2Client();
    client.send(headers(1, postBlock(['expect', '100-continue'], ['content-length', '2'])));
    const [application] = bench.applications;
    assert.match(application?.take() ?? '', /expect: 100-continue\r\n/);
    application?.send('HTTP/1.1 100 Continue\r\n\r\n');
    bench.run();
    assert.deepEqual(client.takeMain(), ['HEADERS 1 :status=100']);
    client.send(data(1, 'ab', END_STREAM));
    assert.equal(application?.take(), 'ab');
    application?.send('HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n');
    bench.run();
    assert.deepEqual(client.takeMain(), ['HEADERS 1 :status=201 content-length=0 end']);
    bench.finish(client.peer);
  });

  for (const [when, answer] of [
    ['before the answer', ''],
    ['within the answer', `${OK_CHUNKED}2\r\nab\r\n`],
  ] as const) {
    it(`RST_STREAM ends the connection of its request: ${when}`, async () => {
      const bench = await TranslationBench.toHttp1();
      const client = bench.http2Client();
      client.send(headers(1, postBlock()), data(1, 'ab'), lastHeaders(3, getBlock()));
      const [post, get] = bench.applications;
      assert.match(post?.text ?? '', /^POST /);
      if (answer !== '') post?.send(answer);
      bench.run();
      client.send(reset(1, 'CANCEL'));
      assert.deepEqual([post?.closed, get?.closed], [true, false], 'and no other');
      assert.doesNotMatch(post?.text ?? '', /\r\n0\r\n/, 'no last chunk');
      bench.finish(client.peer);
    });
  }

  it('an answer that is cut resets its stream', async () => {
    for (const start of [
      `${OK_CHUNKED}2\r\nab\r\n`,
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab',
    ]) {
      const bench = await TranslationBench.toHttp1();
      const client = bench.http2Client();
      client.send(lastHeaders(1, getBlock()));
      bench.applications[0]?.send(start);
      bench.run();
      bench.applications[0]?.end();
      bench.run();
      assert.deepEqual([client.body(1), client.stream(1).reset], ['ab', 'INTERNAL_ERROR']);
      bench.finish(client.peer);
    }
  });

  it('an answer until the close that is reset was no whole one', async () => {
    const bench = await TranslationBench.toHttp1();
    const client = bench.http2Client();
    client.send(lastHeaders(1, getBlock()));
    bench.applications[0]?.send('HTTP/1.1 200 OK\r\n\r\nab');
    bench.run();
    bench.applications[0]?.reset();
    bench.run();
    assert.deepEqual([client.body(1), client.stream(1).reset], ['ab', 'INTERNAL_ERROR']);
    bench.finish(client.peer);
  });

  it('an early answer that ends the connection stops the request with NO_ERROR', async () => {
    const bench = await TranslationBench.toHttp1();
    const client = bench.http2Client();
    client.send(headers(1, postBlock()), data(1, 'ab'));
    bench.applications[0]?.send(
      'HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
    );
    bench.run();
    assert.deepEqual(client.takeMain(), [
      'HEADERS 1 :status=413 content-length=2',
      'DATA 1 no end',
      'RST_STREAM 1 NO_ERROR',
    ]);
    bench.finish(client.peer, ...bench.applications);
  });

  it('an application that does not read stops its stream, and no other', async () => {
    const bench = await TranslationBench.toHttp1(undefined, { capacityBytes: 1_000 });
    const client = bench.http2Client();
    client.send(headers(1, postBlock()));
    bench.applications[0]?.pause();
    bench.run();
    let sent = 0;
    while (client.stream(1).credit >= 1_000 && sent < 1_000_000) {
      client.send(data(1, Buffer.alloc(1_000)));
      sent += 1_000;
    }
    assert.ok(sent <= 2 * limits.streamWindowBytes, `${sent} bytes for nobody`);
    client.send(headers(3, postBlock()), data(3, Buffer.alloc(15_000), END_STREAM));
    assert.match(bench.applications[1]?.text ?? '', /0\r\n\r\n$/, 'the other one is whole');
    bench.applications[0]?.resume();
    bench.run();
    assert.ok(client.stream(1).credit > limits.streamWindowBytes / 2, 'the credit is back');
    client.send(data(1, '', END_STREAM));
    assert.match(bench.applications[0]?.text ?? '', /\r\n0\r\n\r\n$/);
    bench.finish(client.peer);
  });

  it('a client that gives no credit stops its application', async () => {
    const bench = await TranslationBench.toHttp1();
    const client = bench.http2Client();
    client.send(lastHeaders(1, getBlock()));
    const [application] = bench.applications;
    const size = 1_000_000;
    application?.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    application?.send(Buffer.alloc(size));
    bench.run();
    // The window that this client gave, and no more.
    assert.equal(client.body(1).length, 65_535);
    assert.ok((application?.sentBytes ?? 0) < 65_535 + 4 * limits.streamWindowBytes);
    for (let i = 0; i < 100 && !client.stream(1).ended; i++) {
      client.send(windowUpdate(0, 65_535), windowUpdate(1, 65_535));
    }
    assert.deepEqual([client.body(1).length, client.stream(1).ended], [size, true]);
    bench.finish(client.peer);
  });
});

describe('from HTTP/1.1 to HTTP/2', () => {
  it('each part goes on when it comes, both ways', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client(`${POST}3\r\none\r\n`);
    const { wire } = http2Application(bench);
    assert.equal(wire.takeMain().at(-1), 'DATA 1 one');
    wire.send(headers(1, statusBlock(200)), data(1, 'two'));
    assert.equal(client.take(), 'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n');
    client.send('5\r\nthree\r\n');
    bench.run();
    assert.deepEqual(wire.takeMain(), ['DATA 1 three']);
    wire.send(data(1, '', END_STREAM));
    assert.equal(client.take(), '0\r\n\r\n');
    client.send('0\r\n\r\n');
    bench.run();
    assert.deepEqual(wire.takeMain(), ['DATA 1  end']);
    bench.finish(client);
  });

  it('100 (Continue) comes back before the body goes', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client(
      'POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
    );
    const { wire } = http2Application(bench);
    wire.send(headers(1, statusBlock(100)));
    assert.equal(client.take(), 'HTTP/1.1 100 \r\n\r\n');
    client.send('ab');
    bench.run();
    assert.equal(wire.takeMain().at(-1), 'DATA 1 ab end');
    wire.send(lastHeaders(1, statusBlock(201)));
    assert.equal(client.take(), 'HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n');
    bench.finish(client);
  });

  it('a client that goes away resets its stream with CANCEL', async () => {
    for (const answer of [[], [headers(1, statusBlock(200)), data(1, 'ab')]]) {
      const bench = await TranslationBench.toHttp2();
      const client = bench.client(`${POST}2\r\nab\r\n`);
      const { wire } = http2Application(bench);
      wire.send(...answer);
      client.reset();
      bench.run();
      assert.deepEqual([wire.stream(1).reset, wire.stream(1).ended], ['CANCEL', false]);
      bench.finish(client);
    }
  });

  it('a client that ends within its body resets its stream', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client(`${POST}5\r\nab`);
    const { wire } = http2Application(bench);
    client.end();
    bench.run();
    assert.match(client.text, /^HTTP\/1\.1 400 /);
    assert.deepEqual([wire.stream(1).reset, wire.stream(1).ended], ['CANCEL', false]);
    bench.finish(client);
  });

  it('an answer that is reset cuts the connection', async () => {
    for (const head of [statusBlock(200), statusBlock(200, ['content-length', '5'])]) {
      const bench = await TranslationBench.toHttp2();
      const client = bench.client(GET);
      const { wire } = http2Application(bench);
      wire.send(headers(1, head), data(1, 'ab'), reset(1, 'INTERNAL_ERROR'));
      assert.match(client.text, /\r\n\r\n(?:2\r\n)?ab(?:\r\n)?$/);
      assert.equal(client.ended, true);
      bench.finish(client);
    }
  });

  it('HTTP/1.0 gets no chunks, no trailers and no interim answer', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client('GET / HTTP/1.0\r\nHost: web\r\nConnection: keep-alive\r\n\r\n');
    http2Application(bench).wire.send(
      headers(1, statusBlock(103)),
      headers(1, statusBlock(200)),
      data(1, 'ab'),
      lastHeaders(1, block(['x-sum', '1'])),
    );
    assert.equal(client.text, 'HTTP/1.1 200 \r\nConnection: close\r\n\r\nab');
    assert.equal(client.ended, true);
    bench.finish(client);
  });

  it('HTTP/1.0 sees that an answer was cut: its connection is reset', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client('GET / HTTP/1.0\r\nHost: web\r\n\r\n');
    const { wire } = http2Application(bench);
    wire.send(headers(1, statusBlock(200)), data(1, 'ab'));
    wire.send(reset(1, 'INTERNAL_ERROR'));
    assert.deepEqual(
      [client.ended, client.closed, client.error === undefined],
      [false, true, false],
    );
    bench.finish(client);
  });

  it('an answer that is reset before its head is 502', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client(GET);
    http2Application(bench).wire.send(reset(1, 'INTERNAL_ERROR'));
    assert.match(client.text, /^HTTP\/1\.1 502 /);
    bench.finish(client);
  });

  it('an early answer that stops the request leaves the client its answer', async () => {
    const bench = await TranslationBench.toHttp2();
    const client = bench.client(`${POST}2\r\nab\r\n`);
    const { wire } = http2Application(bench);
    wire.send(
      headers(1, statusBlock(413, ['content-length', '2'])),
      data(1, 'no', END_STREAM),
      reset(1, 'NO_ERROR'),
    );
    assert.match(client.take(), /^HTTP\/1\.1 413 \r\n[^]*\r\n\r\nno$/);
    // The rest is read, and reaches nobody.
    wire.takeMain();
    client.send('2\r\ncd\r\n0\r\n\r\n');
    bench.run();
    assert.deepEqual(wire.takeMain(), []);
    bench.finish(client);
  });

  it('an application that gives no credit stops its client', async () => {
    const bench = await TranslationBench.toHttp2();
    const size = 1_000_000;
    const client = bench.client(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${size}\r\n\r\n`);
    const application = http2Application(bench);
    application.givesCredit = false;
    const { wire } = application;
    client.send(Buffer.alloc(size));
    bench.run();
    // The window that this application gave, and no more.
    assert.equal(wire.body(1).length, 65_535);
    assert.ok(client.sentBytes < 65_535 + 4 * limits.streamWindowBytes, `${client.sentBytes}`);
    for (let i = 0; i < 100 && !wire.stream(1).ended; i++) {
      wire.send(windowUpdate(0, 65_535), windowUpdate(1, 65_535));
    }
    assert.deepEqual([wire.body(1).length, wire.stream(1).ended], [size, true]);
    bench.finish(client);
  });
});
