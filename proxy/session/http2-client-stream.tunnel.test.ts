/** How a tunnel is asked for over HTTP/2, and what grants it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedHead } from '../../test/support/heads.ts';
import { Http2ClientBench, type SettingPair } from '../../test/support/http2-sessions.ts';
import {
  END_STREAM,
  SETTING,
  block,
  data,
  goaway,
  headers,
  lastHeaders,
  reset,
  settings,
  settingsAck,
  statusBlock,
} from '../../test/support/http2-wire.ts';
import { StrictResponse } from '../../test/support/strict-sinks.ts';
import { timeouts } from '../limits.ts';
import type { UpstreamStream } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';

const UPGRADE =
  'GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket, x\r\n' +
  'Sec-WebSocket-Key: k\r\n\r\n';
const CONNECT = 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n';
const EXTENDED =
  'HEADERS 1 :method=CONNECT :protocol=websocket :scheme=http :authority=h :path=/a ' +
  'sec-websocket-key=k';
const TAKES: SettingPair = [SETTING.ENABLE_CONNECT_PROTOCOL, 1];
const CANCELLED = new MeshError('cancelled', 'downstream', 'went');

class Asking {
  readonly sink = new StrictResponse();
  readonly bench: Http2ClientBench;
  readonly stream: UpstreamStream;

  constructor(bench: Http2ClientBench, text: string) {
    this.bench = bench;
    this.stream = bench.session.open();
    bench.run(() => {
      this.stream.request(checkedHead(text), 0, this.sink);
      if (this.sink.over) return;
      this.stream.requestEnd();
      this.sink.requestEnded();
    });
  }

  get calls(): readonly string[] {
    return this.sink.calls;
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.bench.run(() => this.stream.requestData(bytes, 0, bytes.length));
  }

  end(): void {
    this.bench.run(() => {
      this.stream.requestEnd();
      this.sink.requestEnded();
    });
  }

  reset(): void {
    this.sink.over = true;
    this.bench.run(() => this.stream.requestReset(CANCELLED));
  }
}

const start = async (text: string): Promise<Asking> =>
  new Asking(await Http2ClientBench.start([TAKES]), text);

test('Http2ClientStream asks for an upgrade by extended CONNECT, and passes its grant as 101', async () => {
  const asked = await start(UPGRADE);
  const { peer } = asked.bench;
  assert.deepEqual(peer.takeMain(), [EXTENDED]);
  peer.send(headers(1, statusBlock(200, ['x', 'y'])), data(1, 'early'));
  assert.deepEqual(asked.calls, ['head 101 -2 x=y', 'data early']);
  asked.send('up');
  asked.end();
  assert.deepEqual(peer.takeMain(), ['DATA 1 up', 'DATA 1  end']);
  peer.send(data(1, '', END_STREAM));
  assert.deepEqual(asked.calls.slice(2), ['end']);
  asked.bench.finish();
});

test('Http2ClientStream ends the answer’s half first when it ends first', async () => {
  const asked = await start(CONNECT);
  const { peer } = asked.bench;
  assert.deepEqual(peer.takeMain(), ['HEADERS 1 :method=CONNECT :authority=web:80']);
  peer.send(lastHeaders(1, statusBlock(200)));
  assert.deepEqual(asked.calls, ['head 200 -2 ', 'end']);
  asked.send('still');
  asked.end();
  assert.deepEqual(peer.takeMain(), ['DATA 1 still', 'DATA 1  end']);
  asked.bench.finish();
});

test('Http2ClientStream ends a request for a tunnel that is answered otherwise', async () => {
  const asked = await start(CONNECT);
  const { peer } = asked.bench;
  peer.takeMain();
  peer.send(headers(1, statusBlock(407)), data(1, 'no', END_STREAM));
  assert.deepEqual(asked.calls, ['head 407 -1 ', 'data no', 'end']);
  assert.deepEqual(peer.takeMain(), ['DATA 1  end']);
  asked.bench.finish();
});

test('Http2ClientStream remembers no grant as another answer’s head', async () => {
  const bench = await Http2ClientBench.start([TAKES]);
  const origins: boolean[] = [];
  for (let i = 0; i < 4; i++) {
    const stream = 2 * i + 1;
    const asked = new Asking(bench, i % 2 === 0 ? UPGRADE : 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    const { sink } = asked;
    const hear = sink.responseHead.bind(sink);
    sink.responseHead = (head, body) => {
      origins.push(head.origin !== undefined);
      hear(head, body);
    };
    bench.peer.send(lastHeaders(stream, statusBlock(200)));
    const first = i % 2 === 0 ? 'head 101 -2 ' : 'head 200 0 ';
    assert.deepEqual(asked.calls, [first, 'end']);
    if (i % 2 === 0) asked.end();
  }
  assert.deepEqual(origins, [false, true, false, true], 'it stands for no content of others');
  bench.finish();
});

test('Http2ClientStream waits for SETTINGS to ask for an upgrade, and for nothing else', async () => {
  const bench = await Http2ClientBench.start('silent');
  const upgrade = new Asking(bench, UPGRADE);
  const connect = new Asking(bench, CONNECT);
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :method=CONNECT :authority=web:80']);
  bench.peer.send(settings(TAKES), settingsAck());
  assert.deepEqual(bench.peer.takeMain(), [EXTENDED.replace('1', '3')]);
  bench.peer.send(headers(3, statusBlock(200)));
  assert.deepEqual([upgrade.calls, connect.calls], [['head 101 -2 '], []]);
  upgrade.reset();
  connect.reset();
  bench.finish();
});

test('Http2ClientStream asks no server for an upgrade that takes none', async () => {
  const refused = ['reset tunnel-not-served never -'];
  const known = await Http2ClientBench.start();
  assert.deepEqual(new Asking(known, UPGRADE).calls, refused);
  assert.deepEqual([known.peer.takeMain(), known.session.streams], [[], 0]);
  known.finish();
  const late = await Http2ClientBench.start('silent');
  const asked = new Asking(late, UPGRADE);
  late.peer.send(settings([SETTING.ENABLE_CONNECT_PROTOCOL, 0]), settingsAck());
  assert.deepEqual(asked.calls, refused);
  assert.deepEqual([late.peer.takeMain(), late.session.streams], [[], 0]);
  late.finish();
});

test('Http2ClientStream that waits for SETTINGS can leave, and hears of the end', async () => {
  const bench = await Http2ClientBench.start('silent');
  const left = new Asking(bench, UPGRADE);
  left.reset();
  const stays = new Asking(bench, UPGRADE);
  assert.equal(bench.session.streams, 1);
  bench.peer.peer.reset();
  bench.world.run();
  assert.deepEqual([left.calls, stays.calls], [[], ['reset upstream-reset unprocessed -']]);
  bench.finish();
});

test('Http2ClientStream waits no longer for SETTINGS than for the answer to a PING', async () => {
  const bench = await Http2ClientBench.start('silent');
  bench.peer.acknowledges = false;
  const asked = new Asking(bench, UPGRADE);
  bench.world.advance(timeouts.pingAfterMs + 500);
  assert.deepEqual(bench.peer.takeMain(), []);
  assert.equal(bench.session.capacity, 0, 'nobody else waits for it');
  assert.deepEqual(asked.calls, []);
  bench.world.advance(timeouts.pingTimeoutMs + 500);
  assert.deepEqual(asked.calls, ['reset upstream-reset unprocessed -']);
  bench.finish();
});

test('Http2ClientStream that has waited for SETTINGS is not watched when it has left', async () => {
  const bench = await Http2ClientBench.start('silent');
  new Asking(bench, UPGRADE).reset();
  bench.world.advance(timeouts.pingAfterMs + timeouts.pingTimeoutMs + 1_000);
  assert.equal(bench.heard.includes('closed'), false);
  bench.finish();
});

test('Http2ClientStream passes resets on, either way', async () => {
  const lost = await start(CONNECT);
  lost.bench.peer.send(headers(1, statusBlock(200)));
  lost.bench.peer.send(reset(1, 'CONNECT_ERROR'));
  assert.deepEqual(lost.calls, ['head 200 -2 ', 'reset upstream-reset never 10']);
  lost.bench.finish();
  const left = await start(CONNECT);
  left.bench.peer.send(headers(1, statusBlock(200)));
  left.bench.peer.takeMain();
  left.reset();
  assert.deepEqual(left.bench.peer.takeMain(), ['RST_STREAM 1 CANCEL']);
  left.bench.finish();
});

test('Http2ClientStream takes nothing but DATA in a tunnel', async () => {
  const asked = await start(CONNECT);
  const { peer } = asked.bench;
  peer.takeMain();
  peer.send(headers(1, statusBlock(200)), lastHeaders(1, block(['x', 'y'])));
  assert.deepEqual(peer.takeMain(), ['RST_STREAM 1 PROTOCOL_ERROR']);
  assert.deepEqual(asked.calls, ['head 200 -2 ', 'reset upstream-protocol never -']);
  asked.bench.finish();
});

test('Http2ClientStream lets a tunnel be silent for long, and live through GOAWAY', async () => {
  const asked = await start(CONNECT);
  const { bench } = asked;
  bench.peer.send(headers(1, statusBlock(200)), goaway(1, 'NO_ERROR'));
  bench.world.advance(1_200_000);
  bench.peer.send(data(1, 'still there'));
  assert.deepEqual(asked.calls, ['head 200 -2 ', 'data still there']);
  asked.reset();
  bench.finish();
});
