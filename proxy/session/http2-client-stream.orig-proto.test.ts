import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../test/support/heads.ts';
import { Http2ClientBench } from '../../test/support/http2-sessions.ts';
import {
  END_STREAM,
  data,
  headers,
  lastHeaders,
  statusBlock,
} from '../../test/support/http2-wire.ts';
import { StrictResponse } from '../../test/support/strict-sinks.ts';
import { ORIG_PROTO_HTTP1 } from '../model/head.ts';

const FIELD = 'culvert-orig-proto';
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\nX-Id: 1\r\n\r\n';

/** Sends a request that rides, without data. */
function ask(bench: Http2ClientBench, body: number): StrictResponse {
  const sink = new StrictResponse();
  bench.run(() => {
    const head = requestHead(POST);
    head.origProto = ORIG_PROTO_HTTP1;
    const stream = bench.session.open();
    stream.request(head, body, sink);
    stream.requestEnd();
    sink.requestEnded();
  });
  return sink;
}

test('a request that rides says what it was, and what comes back is what it was', async () => {
  const bench = await Http2ClientBench.start();
  const sink = ask(bench, 0);
  assert.deepEqual(bench.peer.takeMain(), [
    `HEADERS 1 :method=POST :scheme=http :authority=h :path=/a x-id=1 ${FIELD}=HTTP/1.1; names=train end`,
  ]);
  bench.peer.send(
    headers(
      1,
      statusBlock(200, ['x-b', '1'], [FIELD, 'HTTP/1.1; names=train,etag'], ['etag', '2']),
    ),
    data(1, 'ok', END_STREAM),
  );
  assert.match(sink.calls[0] ?? '', /^head 200 -1 X-B=1,.*,etag=2$/);
  bench.finish();
});

test('a request that rides has END_STREAM on its head only when it has no body', async () => {
  const bench = await Http2ClientBench.start();
  for (const [body, frames] of [
    [0, 1],
    [-1, 2],
  ] as const) {
    const sink = ask(bench, body);
    assert.equal(bench.peer.takeMain().length, frames, `a body of ${body}`);
    bench.peer.send(lastHeaders(body === 0 ? 1 : 3, statusBlock(204)));
    assert.equal(sink.calls.at(-1), 'end');
  }
  bench.finish();
});

test('a request that does not ride after one that did says nothing of itself', async () => {
  const bench = await Http2ClientBench.start();
  ask(bench, 0);
  const plain = bench.ask();
  const [, second = ''] = bench.peer.takeMain();
  assert.match(second, /^HEADERS 3 /);
  assert.doesNotMatch(second, /culvert/);
  bench.peer.send(lastHeaders(1, statusBlock(204)), lastHeaders(3, statusBlock(204)));
  assert.equal(plain.calls.at(-1), 'end');
  bench.finish();
});
