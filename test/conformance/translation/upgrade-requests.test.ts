/** No request in HTTP/1.1 that is two, or none, becomes one in HTTP/2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readResponses } from '../../support/http1-text.ts';
import type { Http2End } from '../../support/http2-end.ts';
import { TranslationBench } from '../../support/translation-bench.ts';
import { BAD_REQUESTS, type BadRequest } from '../http1-requests.ts';
import { SMUGGLED } from './case.ts';

/** How the sidecar reads what comes; long vectors are not read byte by byte. */
const READS = {
  whole: {},
  'in pieces': { readBytes: () => 7 },
  'byte by byte': { readBytes: () => 1 },
} as const;
const BYTE_BY_BYTE_MAX = 4_096;

const REST = `GET /${SMUGGLED} HTTP/1.1\r\nHost: web\r\n\r\n`;
const head = (name: string, section: string, lines: string): BadRequest => ({
  name,
  section,
  bytes: `POST /bad HTTP/1.1\r\nHost: web\r\n${lines}\r\n\r\n${REST}`,
  statuses: [400],
});
const trailers = (name: string, section: string, lines: string): BadRequest => ({
  name,
  section,
  bytes: `POST /body-fault HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${lines}\r\n\r\n${REST}`,
  statuses: [400],
});

/** What only HTTP/2 would understand. */
const OF_HTTP2: readonly BadRequest[] = [
  head('a pseudo-field', 'RFC 9113 8.3', ':authority: evil'),
  head('a pseudo-field in disguise', 'RFC 9113 8.3', ' :path: /evil'),
  head('a pseudo-field behind a line end', 'RFC 9113 8.3', 'X-A: b\r:path: /evil'),
  head('a pseudo-field behind LF', 'RFC 9113 8.3', 'X-A: b\n:path: /evil'),
  trailers('a pseudo-field in trailers', 'RFC 9113 8.1', ':path: /evil'),
  trailers('a field with NUL in trailers', 'RFC 9113 8.2.1', 'x: a\0'),
  {
    name: 'the preface of HTTP/2 behind a head that is not whole',
    section: 'RFC 9113 3.4',
    bytes: `GET /bad HTTP/1.1\r\nHost: web\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${REST}`,
    statuses: [400],
  },
  {
    name: 'a request line of HTTP/2',
    section: 'RFC 9113 3.4',
    bytes: `PRI /bad HTTP/2.0\r\n\r\nSM\r\n\r\n${REST}`,
    statuses: [505],
  },
];

/** What came of a request whose head went on may not end, and holds nothing of what is behind. */
function assertAborted(ends: readonly Http2End[], name: string): void {
  for (const { wire } of ends) {
    for (const [id, stream] of wire.streams) {
      if (id === 0) continue;
      assert.equal(stream.ended, false, `${name}: it looks whole`);
      assert.notEqual(stream.reset, undefined, `${name}: it is not aborted`);
      assert.equal(stream.blocks.length, 1, `${name}: more than a head`);
      assert.ok(!wire.body(id).includes(SMUGGLED), wire.body(id));
    }
    assert.deepEqual(wire.referee.violations, [], name);
  }
}

async function refuse(
  vector: BadRequest,
  options: { readonly readBytes?: () => number },
): Promise<void> {
  const bench = await TranslationBench.toHttp2(undefined, options);
  const client = bench.client(vector.bytes);
  const { messages } = readResponses(client.text, ['GET'], client.ended);
  const status = Number(messages[0]?.startLine.slice(9, 12));
  assert.ok(vector.statuses.includes(status), `${vector.name}: ${client.text.slice(0, 300)}`);
  assert.equal(client.ended, true, `${vector.name}: the connection goes on`);
  if (vector.bytes.includes('/body-fault')) assertAborted(bench.http2Applications, vector.name);
  else assert.deepEqual(bench.applications, [], `${vector.name}: it reached the application`);
  bench.finish(client, ...bench.applications);
}

describe('a request from HTTP/1.1 to HTTP/2 is refused', () => {
  for (const vector of [...BAD_REQUESTS, ...OF_HTTP2]) {
    it(`${vector.section}: ${vector.name}`, async () => {
      for (const [how, options] of Object.entries(READS)) {
        if (how === 'byte by byte' && vector.bytes.length > BYTE_BY_BYTE_MAX) continue;
        await refuse(vector, options);
      }
    });
  }
});
