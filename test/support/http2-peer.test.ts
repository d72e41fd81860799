import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, test } from 'node:test';
import { HpackError, HpackPeer } from './http2-hpack.ts';
import { Http2Peer, StreamResetError, valueOf } from './http2-peer.ts';
import {
  block,
  continuation,
  data,
  END_STREAM,
  frameBytes,
  getBlock,
  goaway,
  headers,
  hpackInteger,
  indexed,
  INCREMENTAL,
  lastHeaders,
  literal,
  NEVER,
  padded,
  PADDED,
  ping,
  postBlock,
  requestBlock,
  reset,
  SETTING,
  settings,
  settingsAck,
  statusBlock,
  tableSize,
  windowUpdate,
  words,
} from './http2-wire.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from './scripted-peer.ts';

/** Fields without what Node says of them by symbols. */
const plain = (fields: http2.IncomingHttpHeaders): object =>
  Object.fromEntries(Object.entries(fields));

describe('Http2Peer as a client of node:http2', () => {
  const server = http2.createServer();
  let port = 0;
  before(async () => {
    server.on('stream', (opened, request) => {
      const stream = opened as http2.ServerHttp2Stream;
      stream.on('error', () => {});
      if (request[':path'] === '/reset') return stream.close(http2.constants.NGHTTP2_CANCEL);
      if (request[':path'] === '/early') stream.additionalHeaders({ ':status': 103 });
      stream.respond({ 'x-method': request[':method'] }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 'last' }));
      stream.pipe(stream);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  it('gets an answer with interim head, body and trailers', async () => {
    using peer = await Http2Peer.dial(port);
    const stream = peer.open();
    const path = requestBlock('POST', '/early');
    void peer.send(headers(stream, path), data(stream, 'he'), data(stream, 'llo', END_STREAM));
    const answer = await peer.message(stream);
    assert.deepEqual(
      answer.interim.map((fields) => valueOf(fields, ':status')),
      ['103'],
    );
    assert.equal(valueOf(answer.fields, ':status'), '200');
    assert.equal(valueOf(answer.fields, 'x-method'), 'POST');
    assert.equal(answer.body.toString(), 'hello');
    assert.equal(valueOf(answer.trailers, 'x-trailer'), 'last');
    await peer.alive();
    assert.deepEqual(peer.violations, []);
  });

  it('hears of a reset stream and of GOAWAY', async () => {
    using peer = await Http2Peer.dial(port);
    const stream = peer.open();
    const path = requestBlock('GET', '/reset');
    void peer.send(lastHeaders(stream, path));
    await assert.rejects(peer.message(stream), StreamResetError);
    assert.equal(await peer.reset(stream), 'CANCEL');
    void peer.send(ping('12345678'), frameBytes('PING', 0, 7, '12345678'));
    assert.equal((await peer.goaway()).code, 'PROTOCOL_ERROR');
    await peer.untilEnded();
    await assert.rejects(peer.reset(99), EndOfBytesError);
    assert.deepEqual(peer.violations, []);
  });

  it('takes a large body only as its windows allow, and as it gives credit', async () => {
    using peer = await Http2Peer.dial(port, {
      settings: [[SETTING.INITIAL_WINDOW_SIZE, 1_000]],
      givesCredit: true,
    });
    const stream = peer.open();
    const body = Buffer.alloc(60_000, 'x');
    void peer.send(headers(stream, postBlock()));
    for (let at = 0; at < body.length; at += 15_000) {
      void peer.send(data(stream, body.subarray(at, at + 15_000)));
    }
    void peer.send(data(stream, '', END_STREAM));
    assert.ok((await peer.message(stream)).body.equals(body));
    assert.deepEqual(peer.violations, []);
  });
});

describe('Http2Peer as a server of node:http2', () => {
  let server: PeerServer;
  const peers: Http2Peer[] = [];
  const serve = async (link: PeerLink): Promise<void> => {
    const peer = await Http2Peer.accept(link, { givesCredit: true });
    peers.push(peer);
    for (;;) {
      const { stream, fields, body } = await peer.nextRequest();
      if (valueOf(fields, ':path') === '/away') {
        void peer.send(goaway(0, 'NO_ERROR', 'bye'));
        link.halfClose();
      } else {
        void peer.send(
          headers(stream, statusBlock(103)),
          headers(stream, Buffer.concat([indexed(8), literal('x-a', 'b', INCREMENTAL)])),
          data(stream, padded(`${body.length}`, 5), PADDED),
          headers(stream, literal(62, 'c'), END_STREAM),
          continuation(stream, Buffer.concat([indexed(62), literal('x-z', 'y', NEVER)])),
        );
      }
    }
  };
  before(async () => {
    server = await PeerServer.listen(serve);
  });
  after(() => server.close());

  it('answers requests, with continuation and a table of its own', async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    for (const body of ['one', 'x'.repeat(100_000)]) {
      const request = session.request({ ':method': 'POST', cookie: 'a' });
      const heads: object[] = [];
      request.on('headers', (fields) => heads.push(plain(fields)));
      request.on('response', (fields) => heads.push(plain(fields)));
      request.on('trailers', (fields) => heads.push(plain(fields)));
      request.end(body);
      request.setEncoding('utf8');
      let answer = '';
      request.on('data', (text: string) => (answer += text));
      await once(request, 'end');
      assert.equal(answer, `${body.length}`);
      assert.deepEqual(heads, [
        { ':status': 103 },
        { ':status': 200, 'x-a': 'b' },
        { 'x-a': 'c, b', 'x-z': 'y' },
      ]);
    }
    session.request({ ':path': '/away' }).on('error', () => {});
    const [code] = await once(session, 'goaway');
    assert.equal(code, 0);
    session.destroy();
    assert.deepEqual(peers[0]?.violations, []);
    assert.deepEqual(server.failures, []);
  });
});

/** What the other side may not send, and the sentence about it. `server` sends it to a client. */
const VIOLATIONS: readonly (readonly [
  role: 'client' | 'server',
  what: string,
  frames: readonly Buffer[],
  sentence: RegExp,
])[] = [
  ['server', 'no SETTINGS', [ping('12345678')], /not SETTINGS first/],
  ['server', 'a frame above the size', [data(1, Buffer.alloc(16_385))], /16385 octets/],
  ['server', 'unknown flags', [frameBytes('PING', 2, 0, '12345678')], /flags 2/],
  ['server', 'the reserved bit', [windowUpdate(0x8000_0001, 1)], /reserved/],
  ['server', 'PING on a stream', [frameBytes('PING', 0, 1, '12345678')], /not on stream 0/],
  ['server', 'DATA on stream 0', [data(0, 'a')], /on stream 0/],
  ['server', 'a short RST_STREAM', [frameBytes('RST_STREAM', 0, 1, '123')], /3 octets/],
  ['server', 'an unknown type', [frameBytes(77, 0, 1)], /nobody asked/],
  ['server', 'PUSH_PROMISE', [frameBytes('PUSH_PROMISE', 4, 1, words(2))], /nobody asked/],
  ['server', 'DATA before a head', [data(1, 'a')], /before its head/],
  ['server', 'a head for nothing', [headers(5, statusBlock(200))], /nobody opened/],
  ['server', 'CONTINUATION for nothing', [continuation(1, '')], /without a block/],
  ['server', 'an open block', [headers(1, '', 0), ping('12345678')], /within the block/],
  ['server', 'DATA behind its end', [lastHeaders(1, statusBlock(200)), data(1)], /behind its end/],
  [
    'server',
    'two heads behind an end',
    [lastHeaders(1, statusBlock(200)), headers(1, statusBlock(200))],
    /behind its end/,
  ],
  ['server', 'two resets', [reset(1, 'CANCEL'), reset(1, 'CANCEL')], /twice/],
  ['server', 'a reset of nothing', [reset(9, 'CANCEL')], /idle/],
  ['server', 'a window for nothing', [windowUpdate(9, 1)], /idle/],
  ['server', 'an increment of 0', [windowUpdate(1, 0)], /increment 0/],
  ['server', 'a window too large', [windowUpdate(0, 2 ** 31 - 1)], /overflows/],
  ['server', 'a stream window too large', [windowUpdate(1, 2 ** 31 - 1)], /overflows/],
  ['server', 'credit behind a reset', [reset(1, 0), windowUpdate(1, 1)], /behind its reset/],
  ['server', 'push that is on', [settings([SETTING.ENABLE_PUSH, 1])], /push 1/],
  ['server', 'a huge window', [settings([SETTING.INITIAL_WINDOW_SIZE, 2 ** 31])], /window/],
  ['server', 'a small frame size', [settings([SETTING.MAX_FRAME_SIZE, 1])], /frame size/],
  ['server', 'an acknowledgement too many', [settingsAck(), settingsAck()], /not sent/],
  ['server', 'a last stream that grows', [goaway(1, 0), goaway(3, 0)], /went up/],
  [
    'server',
    'more than the stream window',
    [
      headers(1, statusBlock(200)),
      ...Array.from({ length: 5 }, () => data(1, Buffer.alloc(16_000))),
    ],
    /stream window -14465/,
  ],
  [
    'server',
    'more than the connection window',
    [
      headers(1, statusBlock(200)),
      ...Array.from({ length: 5 }, () => data(1, Buffer.alloc(16_000))),
    ],
    /connection window -14465/,
  ],
  ['server', 'a name in upper case', [headers(1, statusBlock(200, ['X', '']))], /name "X"/],
  ['server', 'a value with a line end', [headers(1, statusBlock(200, ['x', '\n']))], /value of x/],
  ['server', 'a value with blanks', [headers(1, statusBlock(200, ['x', 'a ']))], /value of x/],
  ['server', 'connection', [headers(1, statusBlock(200, ['connection', 'a']))], /of HTTP\/1/],
  ['server', 'te', [headers(1, statusBlock(200, ['te', 'gzip']))], /te: gzip/],
  ['server', 'no status', [headers(1, block(['x', 'y']))], /head on stream 1: $/],
  ['server', 'a late status', [headers(1, block(['x', 'y'], [':status', '200']))], /behind a/],
  [
    'server',
    'trailers that do not end',
    [headers(1, statusBlock(200)), headers(1, block(['x', 'y']))],
    /do not end/,
  ],
  [
    'server',
    'trailers with a status',
    [headers(1, statusBlock(200)), lastHeaders(1, statusBlock(200))],
    /trailers with :status/,
  ],
  ['server', 'an interim head that ends', [lastHeaders(1, statusBlock(100))], /interim/],
  ['server', 'a bad index', [headers(1, indexed(62))], /cannot be decoded/],
  ['client', 'an even stream', [lastHeaders(2, getBlock())], /even/],
  ['client', 'a lower stream', [lastHeaders(3, getBlock()), lastHeaders(1, getBlock())], /below 3/],
  ['client', 'no path', [lastHeaders(1, block([':method', 'GET'], [':scheme', 'a']))], /:method/],
];

for (const [role, what, frames, sentence] of VIOLATIONS) {
  test(`Http2Peer sees that a ${role} sends ${what}`, async () => {
    const mirror = await PeerServer.listen((link) =>
      link.send(Buffer.concat([...(what === 'no SETTINGS' ? [] : [settings()]), ...frames])),
    );
    try {
      using peer =
        role === 'server'
          ? await Http2Peer.dial(mirror.port, { acknowledges: false })
          : Http2Peer.bare(await dial(mirror.port), 'server');
      if (role === 'server') void peer.send(lastHeaders(1, getBlock()));
      await peer.until(
        'a violation',
        () => peer.violations.some((it) => sentence.test(it)) || undefined,
      );
    } finally {
      await mirror.close();
    }
  });
}

test('HpackPeer reads the examples of RFC 7541 C.4 and keeps their table', () => {
  const decoder = new HpackPeer();
  const read = (hex: string) =>
    decoder.decode(Buffer.from(hex, 'hex')).fields.map(({ name, value }) => `${name}: ${value}`);
  const common = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
  assert.deepEqual(read('828684418cf1e3c2e5f23a6ba0ab90f4ff'), common);
  assert.equal(decoder.tableBytes, 57);
  assert.deepEqual(read('828684be5886a8eb10649cbf'), [...common, 'cache-control: no-cache']);
  assert.equal(decoder.tableBytes, 110);
  assert.deepEqual(read('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'), [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ]);
  assert.equal(decoder.tableBytes, 164);
});

const refuses = (bytes: Buffer, allowed = 4096): void => {
  const decoder = new HpackPeer();
  decoder.allowedTableBytes = allowed;
  assert.throws(() => decoder.decode(bytes), HpackError);
};

test('HpackPeer refuses what RFC 7541 forbids', () => {
  refuses(indexed(0));
  refuses(indexed(62));
  refuses(literal(62, 'a'));
  refuses(tableSize(4097));
  refuses(Buffer.concat([indexed(2), tableSize(1)]));
  refuses(Buffer.concat([tableSize(1), tableSize(2), tableSize(3)]));
  refuses(indexed(2), 100);
});

test('hpackInteger writes the examples of RFC 7541 C.1', () => {
  assert.deepEqual([...hpackInteger(10, 5)], [10]);
  assert.deepEqual([...hpackInteger(1337, 5)], [31, 154, 10]);
  assert.deepEqual([...hpackInteger(42, 8)], [42]);
});
