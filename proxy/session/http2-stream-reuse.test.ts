import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import {
  Http2ClientBench,
  Http2ServerBench,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  postBlock,
  reset,
  SETTING,
  statusBlock,
  upgradeBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { TUNNEL_UPGRADE } from '../model/head.ts';
import { grantHead } from '../../test/support/heads.ts';
import { MeshError } from '../model/mesh-error.ts';
import { BODY_TUNNEL } from '../model/exchange.ts';

const OK = statusBlock(200);
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\n\r\n';
const TRAILERS = parseHead('trailers', 'grpc-status: 0\r\n\r\n');
const CANCELLED = new MeshError('cancelled', 'downstream', 'Gone.');
const LOST = new MeshError('upstream-reset', 'upstream', 'Gone.');
const NARROW = [SETTING.INITIAL_WINDOW_SIZE, 4] as const;

type ServerCase = readonly [name: string, again: boolean, act: (bench: Http2ServerBench) => void];

const OF_SERVERS: readonly ServerCase[] = [
  [
    'an answer that ends with its data',
    true,
    (bench) => {
      bench.peer.send(lastHeaders(1, getBlock()));
      bench.answer(bench.last);
    },
  ],
  [
    'an answer that ends with trailers',
    true,
    (bench) => {
      bench.peer.send(headers(1, postBlock()), data(1, 'a', END_STREAM));
      bench.head(bench.last);
      bench.run(() => bench.last.trailers(TRAILERS));
      bench.end(bench.last);
    },
  ],
  [
    'a request that ends behind its answer',
    true,
    (bench) => {
      bench.peer.send(headers(1, postBlock()));
      bench.answer(bench.last);
      bench.peer.send(data(1, 'a', END_STREAM));
    },
  ],
  [
    'an answer whose last data waited for the window',
    true,
    (bench) => {
      bench.peer.send(lastHeaders(1, getBlock()));
      bench.answer(bench.last, 'abcdefgh');
      bench.peer.send(windowUpdate(1, 100));
    },
  ],
  [
    'an answer whose last data still waits',
    false,
    (bench) => {
      bench.peer.send(lastHeaders(1, getBlock()));
      bench.answer(bench.last, 'abcdefgh');
    },
  ],
  [
    'an answer that came before the request was whole',
    false,
    (bench) => {
      bench.peer.send(headers(1, postBlock()));
      bench.answer(bench.last);
    },
  ],
  [
    'a request that nobody reads to its end',
    false,
    (bench) => {
      bench.peer.send(headers(1, postBlock()));
      bench.answer(bench.last);
      bench.run(() => bench.last.unwanted());
    },
  ],
  [
    'a client that cancels',
    false,
    (bench) => bench.peer.send(lastHeaders(1, getBlock()), reset(1, 'CANCEL')),
  ],
  [
    'an exchange that fails',
    false,
    (bench) => {
      bench.peer.send(lastHeaders(1, getBlock()));
      bench.run(() => bench.last.reset(LOST));
    },
  ],
  [
    'a tunnel that ends in order',
    false,
    (bench) => {
      bench.peer.send(headers(1, upgradeBlock('websocket', '/chat')));
      bench.run(() =>
        bench.last.head(grantHead('HTTP/1.1 101 \r\n\r\n', TUNNEL_UPGRADE), BODY_TUNNEL),
      );
      bench.end(bench.last);
      bench.peer.send(data(1, '', END_STREAM));
    },
  ],
];

for (const [name, again, act] of OF_SERVERS) {
  test(`a stream of a server is ${again ? '' : 'not '}used again behind ${name}`, async () => {
    const bench = await Http2ServerBench.start([NARROW]);
    act(bench);
    bench.peer.send(lastHeaders(3, getBlock(['x', '3'])));
    bench.peer.send(lastHeaders(5, getBlock(['x', '5'])));
    const [first, second, third] = bench.exchanges;
    assert(first !== undefined && second !== undefined && third !== undefined);
    assert.equal(second.downstream === first.downstream, again);
    // Which one stream is while another is not over.
    assert.notEqual(third.downstream, second.downstream);
    bench.answer(third, '5');
    bench.answer(second, '3');
    assert.deepEqual([bench.peer.body(3), bench.peer.body(5)], ['3', '5']);
    assert.deepEqual([bench.peer.stream(3).ended, bench.peer.stream(5).ended], [true, true]);
    bench.finish();
  });
}

type ClientCase = readonly [name: string, again: boolean, act: (bench: Http2ClientBench) => void];

const OF_CLIENTS: readonly ClientCase[] = [
  [
    'an answer that ends with its head',
    true,
    (bench) => {
      bench.ask();
      bench.peer.send(lastHeaders(1, OK));
    },
  ],
  [
    'an answer that ends with trailers',
    true,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      exchange.data('a');
      exchange.end();
      bench.peer.send(headers(1, OK), data(1, 'b'), lastHeaders(1, block(['grpc-status', '0'])));
    },
  ],
  [
    'a request that ends behind its answer',
    true,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      bench.peer.send(lastHeaders(1, OK));
      exchange.end();
    },
  ],
  [
    'a request that ends with trailers behind its answer',
    true,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      bench.peer.send(lastHeaders(1, OK));
      bench.run(() => exchange.stream.requestTrailers(TRAILERS));
      exchange.end();
    },
  ],
  [
    'a request whose last data waited for the window',
    true,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      exchange.data('abcdefgh');
      exchange.end();
      bench.peer.send(lastHeaders(1, OK));
      bench.peer.send(windowUpdate(1, 100));
    },
  ],
  [
    'a request whose last data still waits',
    false,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      exchange.data('abcdefgh');
      exchange.end();
      bench.peer.send(lastHeaders(1, OK));
    },
  ],
  [
    'an answer that came before the request was whole',
    false,
    (bench) => {
      bench.ask(POST, -1);
      bench.peer.send(lastHeaders(1, OK));
    },
  ],
  [
    'trailers of a request whose end is still to be told',
    false,
    (bench) => {
      const exchange = bench.ask(POST, -1);
      bench.peer.send(lastHeaders(1, OK));
      bench.run(() => exchange.stream.requestTrailers(TRAILERS));
    },
  ],
  [
    'a server that resets it',
    false,
    (bench) => {
      bench.ask();
      bench.peer.send(reset(1, 'REFUSED_STREAM'));
    },
  ],
  ['an attempt that is cancelled', false, (bench) => bench.ask().reset(CANCELLED)],
  [
    'one that was taken and not needed',
    false,
    (bench) => bench.run(() => bench.session.open().close()),
  ],
];

for (const [name, again, act] of OF_CLIENTS) {
  test(`a stream of a client is ${again ? '' : 'not '}used again behind ${name}`, async () => {
    const bench = await Http2ClientBench.start([NARROW]);
    const used: unknown[] = [];
    const open = bench.session.open.bind(bench.session);
    bench.session.open = () => {
      const stream = open();
      used.push(stream);
      return stream;
    };
    act(bench);
    const second = bench.ask();
    const third = bench.ask();
    assert.equal(used[1] === used[0], again);
    assert.notEqual(third.stream, second.stream);
    const ids = [...bench.peer.streams.keys()].slice(-2);
    for (const [i, id] of ids.entries()) {
      bench.peer.send(headers(id, OK), data(id, `${i + 2}`, END_STREAM));
    }
    assert.deepEqual(second.calls, ['head 200 -1 ', 'data 2', 'end']);
    assert.deepEqual(third.calls, ['head 200 -1 ', 'data 3', 'end']);
    bench.finish();
  });
}

test('a connection without streams keeps none for long, nor what it knew of heads', async (t) => {
  withLimits(t, {}, { streamIdleMs: 1_000 });
  const bench = await Http2ServerBench.start();
  const ask = (id: number): void => {
    bench.peer.send(lastHeaders(id, getBlock()));
    bench.answer(bench.last);
  };
  ask(1);
  ask(3);
  bench.world.advance(2_000);
  ask(5);
  ask(7);
  assert.equal(bench.exchanges[1]?.downstream, bench.exchanges[0]?.downstream);
  assert.notEqual(bench.exchanges[2]?.downstream, bench.exchanges[0]?.downstream);
  assert.deepEqual(
    bench.exchanges.map(({ recurs }) => recurs),
    [false, true, false, true],
  );
  bench.finish();
});
