/** What becomes of a stream that asks for a tunnel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantHead } from '../../test/support/heads.ts';
import {
  Http2ServerBench,
  type SettingPair,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  END_STREAM,
  SETTING,
  block,
  connectBlock,
  data,
  getBlock,
  headers,
  lastHeaders,
  reset,
  upgradeBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits, timeouts } from '../limits.ts';
import { BODY_TUNNEL } from '../model/exchange.ts';
import { TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';

const CONNECT = connectBlock('web:80');
const ASKED = ['CONNECT web:80 0', 'end'];
const GRANTED = 'HEADERS 1 :status=200';

async function asking(...frames: readonly Buffer[]): Promise<Http2ServerBench> {
  const bench = await Http2ServerBench.start();
  bench.peer.send(...frames);
  return bench;
}

const grant = (bench: Http2ServerBench): void =>
  bench.run(() =>
    bench.last.head(grantHead('HTTP/1.1 200 OK\r\n\r\n', TUNNEL_CONNECT), BODY_TUNNEL),
  );

/** A stream that was granted CONNECT. */
async function tunnel(): Promise<Http2ServerBench> {
  const bench = await asking(headers(1, CONNECT));
  grant(bench);
  assert.deepEqual(bench.peer.takeMain(), [GRANTED]);
  return bench;
}

test('Http2Server says that it takes extended CONNECT', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, upgradeBlock('websocket', '/chat', ['a', 'b'])));
  assert.deepEqual(bench.last.calls, ['GET /chat 0', 'end']);
  bench.run(() =>
    bench.last.head(
      grantHead(
        'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nx: y\r\n\r\n',
        TUNNEL_UPGRADE,
      ),
      BODY_TUNNEL,
    ),
  );
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200 x=y']);
  bench.finish();
});

test('Http2ServerStream holds what comes before the tunnel is granted, and its end', async () => {
  const bench = await asking(headers(1, CONNECT), data(1, 'early'), data(1, ' and', END_STREAM));
  assert.deepEqual(bench.last.calls, ASKED);
  grant(bench);
  assert.deepEqual(bench.last.calls, [...ASKED, 'data early and', 'end']);
  bench.data(bench.last, 'answer');
  bench.end(bench.last);
  assert.deepEqual(bench.peer.takeMain(), [GRANTED, 'DATA 1 answer', 'DATA 1  end']);
  bench.finish();
});

test('Http2ServerStream takes the end of a head for the end of the tunnel', async () => {
  const bench = await asking(lastHeaders(1, CONNECT));
  assert.deepEqual(bench.last.calls, ASKED);
  grant(bench);
  assert.deepEqual(bench.last.calls, [...ASKED, 'end']);
  bench.end(bench.last);
  bench.finish();
});

test('Http2ServerStream passes bytes and ends of a tunnel, each half by itself', async () => {
  const bench = await tunnel();
  bench.peer.send(data(1, 'up'));
  bench.data(bench.last, 'down');
  bench.end(bench.last);
  bench.peer.send(data(1, ' still', END_STREAM));
  assert.deepEqual(bench.last.calls, [...ASKED, 'data up still', 'end']);
  assert.deepEqual(bench.peer.takeMain(), ['DATA 1 down', 'DATA 1  end']);
  bench.finish();
});

test('Http2ServerStream drops what came for a tunnel that is refused, and returns its credit', async () => {
  const early = data(1, 'x'.repeat(16_000));
  const bench = await asking(headers(1, CONNECT), early, early, early);
  bench.answer(bench.last, 'no');
  assert.deepEqual(bench.last.calls, ASKED);
  const came = bench.peer.take();
  assert(
    came.some((line) => line.startsWith('WINDOW_UPDATE 1 ')),
    came.join(),
  );
  const main = came.filter((line) => !/^(WINDOW|SETTINGS|PING)/.test(line));
  assert.deepEqual(main, ['HEADERS 1 :status=200', 'DATA 1 no end', 'RST_STREAM 1 NO_ERROR']);
  bench.finish();
});

test('Http2ServerStream answers an error in place of a tunnel', async () => {
  const bench = await asking(headers(1, CONNECT), data(1, 'early'));
  bench.run(() => bench.last.reset(new MeshError('upstream-refused', 'upstream', 'no')));
  const [head = '', body, last] = bench.peer.takeMain();
  assert.match(head, /^HEADERS 1 :status=502 /);
  assert.deepEqual([body, last], ['DATA 1 502 Bad Gateway\n end', 'RST_STREAM 1 NO_ERROR']);
  bench.finish();
});

test('Http2ServerStream passes resets on, either way', async () => {
  const lost = await tunnel();
  lost.run(() => lost.last.reset(new MeshError('upstream-reset', 'upstream', 'gone')));
  assert.deepEqual(lost.peer.takeMain(), ['RST_STREAM 1 CONNECT_ERROR']);
  lost.finish();
  const left = await tunnel();
  left.peer.send(reset(1, 'CANCEL'));
  assert.deepEqual(left.last.calls, [...ASKED, 'reset cancelled 8']);
  left.finish();
});

test('Http2ServerStream resets a tunnel with the end of a drain, through which it has lived', async () => {
  const bench = await tunnel();
  bench.run(() => bench.session.goodbye());
  bench.run(() => bench.session.closeIfIdle());
  bench.peer.takeMain();
  bench.peer.send(data(1, 'still there'));
  bench.run(() => bench.session.abort(new MeshError('past-drain', 'proxy', 'over')));
  assert.deepEqual(bench.last.calls, [...ASKED, 'data still there', 'reset past-drain -']);
  assert.equal(bench.peer.takeMain()[0], 'RST_STREAM 1 CONNECT_ERROR');
  bench.finish();
});

test('Http2ServerStream takes nothing but DATA in a tunnel', async () => {
  for (const granted of [true, false]) {
    const bench = granted ? await tunnel() : await asking(headers(1, CONNECT));
    bench.peer.send(lastHeaders(1, block(['x', 'y'])));
    assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 1 PROTOCOL_ERROR']);
    assert.equal(bench.last.calls.at(-1), 'reset malformed-request -');
    bench.finish();
  }
});

test('Http2ServerStream bounds what comes early by the window of its stream', async () => {
  const frame = data(1, 'x'.repeat(16_384));
  const bench = await asking(headers(1, CONNECT));
  bench.peer.send(...Array.from({ length: limits.streamWindowBytes / 16_384 + 1 }, () => frame));
  assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 1 FLOW_CONTROL_ERROR']);
  bench.finish();
});

test('Http2ServerStream lets a tunnel be silent for long', async () => {
  const bench = await tunnel();
  bench.world.advance(1_200_000);
  bench.peer.send(data(1, 'still there'));
  assert.deepEqual(bench.last.calls, [...ASKED, 'data still there']);
  assert.deepEqual(bench.limitHits, []);
  bench.finish();
});

test('Http2ServerStream resets a tunnel whose client takes nothing of what waits for it', async () => {
  const narrow: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 4];
  const bench = await Http2ServerBench.start([narrow]);
  bench.peer.send(headers(1, CONNECT));
  grant(bench);
  bench.data(bench.last, 'too much');
  bench.peer.takeMain();
  bench.world.advance(timeouts.streamIdleMs - 1_000);
  assert.deepEqual(bench.peer.takeMain(), []);
  bench.world.advance(timeouts.streamIdleMs + 1_000);
  assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 1 CONNECT_ERROR']);
  assert.equal(bench.last.calls.at(-1), 'reset deadline-passed -');
  bench.finish();
});

test('Http2Server refuses a tunnel above the limit, until one of the others has ended', async (t) => {
  withLimits(t, { tunnelsPerLinkMax: 2 });
  const bench = await asking(headers(1, CONNECT), headers(3, CONNECT), headers(5, CONNECT));
  assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 5 REFUSED_STREAM']);
  assert.deepEqual([bench.exchanges.length, bench.limitHits], [2, ['tunnels']]);
  // Other requests are none.
  bench.peer.send(lastHeaders(7, getBlock()));
  assert.equal(bench.exchanges.length, 3);
  bench.peer.send(reset(3, 'CANCEL'), headers(9, CONNECT), headers(11, CONNECT));
  assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 11 REFUSED_STREAM']);
  assert.deepEqual([bench.exchanges.length, bench.limitHits.length], [4, 2]);
  bench.finish();
});

test('Http2ServerStream resets a tunnel that is lost behind its server’s end, once that has left', async () => {
  const narrow: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 2];
  for (const values of [[], [narrow]]) {
    const bench = await Http2ServerBench.start(values);
    bench.peer.send(headers(1, CONNECT));
    grant(bench);
    bench.data(bench.last, 'last');
    bench.end(bench.last);
    bench.run(() => bench.last.unwanted());
    if (values.length > 0) bench.peer.send(windowUpdate(1, 2));
    const came = bench.peer.takeMain();
    assert.deepEqual(came.slice(-1), ['RST_STREAM 1 CONNECT_ERROR'], 'not as in order');
    assert.match(came.at(-2) ?? '', /^DATA 1 .*end$/);
    bench.finish();
  }
});
