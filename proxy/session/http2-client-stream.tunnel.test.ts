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
  statusBlock,
} from '../../test/support/http2-wire.ts';
import { StrictResponse } from '../../test/support/strict-sinks.ts';
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
const UNLIMITED = Number.POSITIVE_INFINITY;
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

test('Http2ClientStream asks no server for an upgrade that takes none', async () => {
  const refused = ['reset tunnel-not-served never -'];
  const known = await Http2ClientBench.start();
  assert.deepEqual(new Asking(known, UPGRADE).calls, refused);
  assert.deepEqual([known.peer.takeMain(), known.session.streams], [[], 0]);
  known.finish();
  const taught = await Http2ClientBench.start();
  taught.peer.send(settings(TAKES));
  new Asking(taught, UPGRADE).reset();
  assert.deepEqual(taught.peer.takeMain(), [EXTENDED, 'RST_STREAM 1 CANCEL'], 'it says so later');
  taught.finish();
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

test('Http2Client knows how many tunnels its server takes once that has refused one', async () => {
  const bench = await Http2ClientBench.start([TAKES]);
  const { peer, session } = bench;
  const tunnels = (): readonly number[] => [session.tunnels, session.tunnelsMax];
  const refuse = (id: number): void => peer.send(reset(id, 'REFUSED_STREAM'));
  const ask = (): Asking => new Asking(bench, UPGRADE);
  ask();
  refuse(1);
  assert.deepEqual(tunnels(), [0, UNLIMITED], 'of none that are there it says nothing');
  const granted = ask();
  for (let i = 0; i < 2; i++) ask();
  peer.send(headers(3, statusBlock(200)));
  assert.deepEqual(tunnels(), [3, UNLIMITED]);
  refuse(7);
  assert.deepEqual(tunnels(), [2, 2]);
  // Neither another reset nor another request says anything of tunnels.
  peer.send(reset(5, 'CANCEL'));
  bench.ask();
  refuse(9);
  assert.deepEqual(tunnels(), [1, 2]);
  for (let i = 0; i < 2; i++) ask();
  assert.deepEqual(tunnels(), [3, 2]);
  peer.send(headers(11, statusBlock(200)));
  assert.deepEqual(tunnels(), [3, 3], 'it takes more than it did');
  peer.send(lastHeaders(13, statusBlock(404)));
  granted.reset();
  assert.deepEqual(tunnels(), [1, 3]);
});
