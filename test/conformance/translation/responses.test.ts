/** No answer in one protocol becomes another one, or looks whole, in the other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRequests, readResponses } from '../../support/http1-text.ts';
import type { Http2End } from '../../support/http2-end.ts';
import { getBlock, lastHeaders } from '../../support/http2-wire.ts';
import type { MemoryPeer } from '../../support/memory-world.ts';
import { GET } from '../../support/stack-bench.ts';
import { TranslationBench } from '../../support/translation-bench.ts';
import { BAD_RESPONSES, BAD_RESPONSE_BODIES } from '../http1-responses.ts';
import { EXCESS, HEAD, SMUGGLED } from './case.ts';
import { RESPONSE_DOWNGRADES } from './response-downgrades.ts';

const READS = { whole: {}, 'byte by byte': { readBytes: () => 1 } } as const;
const BYTE_BY_BYTE_MAX = 4_096;

describe('an answer from HTTP/2 to HTTP/1.1 is refused, or cut', () => {
  for (const { name, section, frames, fault } of RESPONSE_DOWNGRADES) {
    for (const [how, options] of Object.entries(READS)) {
      it(`${section}: ${name}, read ${how}`, async () => {
        let answered = false;
        const answer = ({ wire }: Http2End): void => {
          if (answered || !wire.streams.has(1)) return;
          answered = true;
          wire.put(...frames);
        };
        const bench = await TranslationBench.toHttp2(answer, options);
        const client = bench.client(GET);
        const { messages, rest } = readResponses(client.text, ['GET'], false);
        assert.ok(!client.text.includes(SMUGGLED), client.text);
        if (fault === HEAD) {
          assert.deepEqual([messages.length, rest], [1, ''], client.text);
          assert.match(messages[0]?.startLine ?? '', /^HTTP\/1\.1 502 /);
        } else {
          assert.equal(client.ended, true, 'the connection goes on');
          assert.match(client.text, /^HTTP\/1\.1 200 /);
          // Whole by its own length, or not at all.
          if (fault === EXCESS && messages.length === 1) assert.equal(rest, '');
          else assert.deepEqual([messages.length, /\r\n0\r\n/.test(rest)], [0, false], rest);
        }
        const [application] = bench.http2Applications;
        assert.equal(application?.wire.stream(1).reset, 'PROTOCOL_ERROR');
        bench.finish(client, ...bench.applications);
      });
    }
  }

  it('holds vectors of distinct names', () => {
    const names = new Set(RESPONSE_DOWNGRADES.map(({ name }) => name));
    assert.equal(names.size, RESPONSE_DOWNGRADES.length);
  });
});

/** Answers the first request with `bytes`, and ends the connection behind them if told so. */
const answering =
  (bytes: string, thenEnds: boolean) =>
  (peer: MemoryPeer): void => {
    if (peer.sentBytes > 0 || readRequests(peer.text).messages.length === 0) return;
    peer.take();
    peer.send(bytes);
    if (thenEnds) peer.end();
  };

const readings = (bytes: string): readonly object[] =>
  bytes.length > BYTE_BY_BYTE_MAX ? [READS.whole] : Object.values(READS);

describe('an answer from HTTP/1.1 to HTTP/2 is refused', () => {
  for (const { name, section, bytes, thenEnds } of BAD_RESPONSES) {
    it(`${section}: ${name}`, async () => {
      for (const options of readings(bytes)) {
        const bench = await TranslationBench.toHttp1(answering(bytes, thenEnds), options);
        const client = bench.http2Client();
        client.send(lastHeaders(1, getBlock()));
        const lines = client.takeMain().filter((line) => !line.startsWith('HEADERS 1 :status=103'));
        assert.match(lines[0] ?? '', /^HEADERS 1 :status=502 /, lines.join('\n'));
        assert.equal(client.stream(1).ended, true);
        assert.ok(!client.body(1).includes('POISON'));
        assert.deepEqual(client.referee.violations, []);
        bench.finish(client.peer, ...bench.applications);
      }
    });
  }
});

describe('an answer from HTTP/1.1 to HTTP/2 is cut', () => {
  for (const { name, section, good, fault, thenEnds } of BAD_RESPONSE_BODIES) {
    it(`${section}: ${name}`, async () => {
      for (const options of readings(good + fault)) {
        const bench = await TranslationBench.toHttp1(answering(good + fault, thenEnds), options);
        const client = bench.http2Client();
        client.send(lastHeaders(1, getBlock()));
        const { ended, reset, blocks } = client.stream(1);
        assert.deepEqual([ended, reset, blocks.length], [false, 'INTERNAL_ERROR', 1]);
        assert.match(client.body(1), /^start/);
        assert.deepEqual(client.referee.violations, []);
        bench.finish(client.peer, ...bench.applications);
      }
    });
  }
});
