/** No request in HTTP/2 becomes another one in HTTP/1.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRequests } from '../../support/http1-text.ts';
import { getBlock, lastHeaders, requestBlock } from '../../support/http2-wire.ts';
import { serving } from '../../support/stack-bench.ts';
import { TranslationBench } from '../../support/translation-bench.ts';
import { BODY, HEAD, type Http2Vector, SMUGGLED } from './case.ts';
import { DOWNGRADES } from './request-downgrades.ts';

/** How the sidecar reads what comes. */
const READS = { whole: {}, 'byte by byte': { readBytes: () => 1 } } as const;

/** What may have come of a request that went wrong behind its head. */
function assertAborted(bench: TranslationBench, { fault, name }: Http2Vector): void {
  assert.equal(bench.applications.length, 1, 'one connection for one request');
  const [application] = bench.applications;
  const { text = '', closed } = application ?? {};
  assert.match(text, /^POST \/body-fault HTTP\/1\.1\r\nHost: web\r\n/, name);
  const { messages, rest } = readRequests(text);
  if (fault === BODY) assert.equal(messages.length, 0, 'it looks whole');
  else if (messages.length > 0) assert.equal(rest, '', 'nothing behind its own length');
  assert.equal(closed, true, 'the connection of a request that was aborted');
  assert.ok(!text.includes(SMUGGLED), text);
}

describe('a request from HTTP/2 to HTTP/1.1 is refused', () => {
  for (const vector of DOWNGRADES) {
    for (const [how, options] of Object.entries(READS)) {
      it(`${vector.section}: ${vector.name}, read ${how}`, async () => {
        const bench = await TranslationBench.toHttp1(undefined, options);
        const client = bench.http2Client();
        // Each with time to reach the application, where it may.
        for (const frame of vector.frames) client.send(frame);
        const [first = ''] = client.takeMain();
        const { status, fault } = vector;
        if (status === undefined) assert.equal(first, 'RST_STREAM 1 PROTOCOL_ERROR');
        else assert.ok(first.startsWith(`HEADERS 1 :status=${status} `), first);
        if (fault === HEAD)
          assert.deepEqual(bench.applications, [], 'what came to the application');
        else assertAborted(bench, vector);
        // The connection lives on, and nothing of the request is left in the way of the next one.
        const before = bench.applications.length;
        client.send(lastHeaders(1001, requestBlock('GET', '/good')));
        const next = bench.applications[before]?.text;
        assert.equal(next, 'GET /good HTTP/1.1\r\nHost: web\r\n\r\n');
        bench.finish(client.peer, ...bench.applications);
      });
    }
  }

  it('holds many vectors of distinct names', () => {
    assert.ok(DOWNGRADES.length >= 80, `${DOWNGRADES.length}`);
    assert.equal(new Set(DOWNGRADES.map(({ name }) => name)).size, DOWNGRADES.length);
  });
});

it('a request from HTTP/2 to HTTP/1.1 is served when nothing is wrong with it', async () => {
  const bench = await TranslationBench.toHttp1(serving);
  const client = bench.http2Client();
  client.send(lastHeaders(1, getBlock(['x', 'y'])));
  assert.deepEqual(client.takeMain(), ['HEADERS 1 :status=200 content-length=2', 'DATA 1 ok end']);
  bench.finish(client.peer);
});
