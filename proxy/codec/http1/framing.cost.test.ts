/**
 * What fields may cost: in proportion to their bytes. Compared are n and 8 n, each by its best of
 * several runs; linear work costs 8 times as much, the square of it 64 times.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { SLAB_BYTES } from '../../limits.ts';
import { FIELD_CONNECTION } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import { BODY_UNKNOWN_CODING, hasToken, requestFraming } from './framing.ts';
import { writeRequestHead } from './head-writer.ts';
import { keepAliveMs } from './keep-alive.ts';

const FACTOR = 8;
const RATIO_MAX = 24;
const RUNS = 9;
const RUNS_MAX = 60;
/** A run takes so long at least: the clock's grain and a pause are small beside it. */
const RUN_MS_MIN = 1;

const request = (...fields: readonly string[]): Head =>
  parseHead('request', `GET / HTTP/1.1\r\nHost: x\r\n${fields.join('\r\n')}\r\n\r\n`);

function timeMs(calls: number, work: () => void): number {
  const startMs = performance.now();
  for (let call = 0; call < calls; call++) work();
  return performance.now() - startMs;
}

function assertLinear(work: (head: Head) => void, headOf: (n: number) => Head, n: number): void {
  const [small, large] = [headOf(n), headOf(FACTOR * n)];
  let calls = 1;
  while (timeMs(calls, () => work(small)) < RUN_MS_MIN) calls *= 2;
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as [number, number];
  // On a busy machine more runs find a calm moment for both; the square of it stays the square.
  for (let run = 0; run < RUNS || (run < RUNS_MAX && best[1] / best[0] >= RATIO_MAX); run++) {
    best[0] = Math.min(
      best[0],
      timeMs(calls, () => work(small)),
    );
    best[1] = Math.min(
      best[1],
      timeMs(calls, () => work(large)),
    );
  }
  const ratio = best[1] / best[0];
  assert(ratio < RATIO_MAX, `${FACTOR} times the bytes cost ${ratio.toFixed(1)} times as much`);
}

const blanks = (name: string) => (n: number) => request(`${name}: a${' '.repeat(n)}b`);

/** As many names in Connection, and 3 fields for each 100 of them. */
const named = (n: number): Head =>
  request(
    `Connection: ${Array.from({ length: n }, (_, i) => `b${i}`).join()}`,
    ...Array.from({ length: (n * 3) / 100 }, (_, i) => `a${i}: 1`),
  );

const out = Buffer.alloc(SLAB_BYTES);
const write = (head: Head): void =>
  assert(writeRequestHead(out, 0, head, { chunked: false, host: 'x', added: '' }) > 0);

const CASES: readonly (readonly [
  what: string,
  work: (head: Head) => void,
  headOf: (n: number) => Head,
])[] = [
  [
    'requestFraming of blanks',
    (head) => assert.equal(requestFraming(head), BODY_UNKNOWN_CODING),
    blanks('Transfer-Encoding'),
  ],
  [
    'hasToken of blanks',
    (head) => assert.equal(hasToken(head, FIELD_CONNECTION, 'close'), false),
    blanks('Connection'),
  ],
  [
    'keepAliveMs of blanks',
    (head) => assert.equal(keepAliveMs(head), Number.POSITIVE_INFINITY),
    blanks('Keep-Alive'),
  ],
  ['writeRequestHead of blanks in Connection', write, blanks('Connection')],
  ['writeRequestHead of names in Connection and of fields', write, named],
];

for (const [what, work, headOf] of CASES) {
  test(`${what} costs no more than their number`, () => assertLinear(work, headOf, 1_000));
}
