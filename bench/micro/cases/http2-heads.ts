/** Heads of HTTP/2, in and out: such as recur, and gRPC calls of which each is a little other. */
import { HeadDecoder } from '../../../proxy/codec/http2/head-decoder.ts';
import { HeadMemo } from '../../../proxy/codec/http2/head-memo.ts';
import { readRequestHead } from '../../../proxy/codec/http2/head-reader.ts';
import { HeadEncoder } from '../../../proxy/codec/http2/head-writer.ts';
import { isListAbove } from '../../../proxy/codec/http2/header-list.ts';
import { HpackDecoder } from '../../../proxy/codec/http2/hpack/decoder.ts';
import { FieldSection } from '../../../proxy/codec/http2/hpack/field-section.ts';
import { Head } from '../../../proxy/model/head.ts';
import { headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

const ROOM = Buffer.alloc(4096);
/** More than any window remembers. */
const VARIANTS = 400;

/** A gRPC call as a client library sends it; trace, request id and deadline vary. */
const call = (variant: number): Head =>
  headOf(
    Buffer.from(
      [
        'POST /shop.v1.Carts/AddItem HTTP/1.1',
        'Host: carts.demo.svc.cluster.local:8080',
        'content-type: application/grpc',
        'te: trailers',
        'user-agent: grpc-node-js/1.14.7',
        'grpc-accept-encoding: identity, deflate, gzip',
        'accept-encoding: identity',
        `grpc-timeout: ${1000 + variant}m`,
        `x-request-id: 4bf92f35-77b3-4da6-a3ce-929d0e0e${1000 + variant}`,
        `traceparent: 00-4bf92f3577b34da6a3ce929d0e0e${1000 + variant}-00f067aa0ba9${1000 + variant}-01`,
        '',
        '',
      ].join('\r\n'),
      'latin1',
    ),
    'request',
  );

const CALLS: readonly Head[] = Array.from({ length: VARIANTS }, (_, i) => call(i));
const FIRST = CALLS[0] ?? new Head();

/** What `encoder` writes for `head`, a copy. */
function written(encoder: HeadEncoder, head: Head): Buffer {
  return Buffer.from(ROOM.subarray(0, encoder.request(ROOM, 0, head)));
}

/** Calls in turn: none comes again while a window remembers it. */
const variantAfter = (i: number): number => (i + 1) % VARIANTS;

const decode: readonly MicroCase[] = [
  {
    name: 'http2 request decode, by memo',
    setup: () => {
      const decoder = new HeadDecoder();
      const encoder = new HeadEncoder();
      for (let i = 0; i < 4; i++) {
        const block = written(encoder, FIRST);
        decoder.request(block, 0, block.length);
      }
      const block = written(encoder, FIRST);
      const run = (): number => {
        const head = decoder.request(block, 0, block.length);
        return typeof head === 'string' || head.origin === undefined ? -1 : head.fieldCount;
      };
      return { run, expected: FIRST.fieldCount };
    },
  },
  {
    name: 'http2 request decode, gRPC that varies',
    setup: () => {
      const decoder = new HeadDecoder();
      const blocks = varyingBlocks((block) => void decoder.request(block, 0, block.length));
      let i = 0;
      const run = (): number => {
        i = variantAfter(i);
        const block = blocks[i] ?? ROOM;
        const head = decoder.request(block, 0, block.length);
        return typeof head === 'string' ? -1 : head.fieldCount;
      };
      return { run, expected: FIRST.fieldCount };
    },
  },
  {
    name: 'http2 request section to head',
    setup: () => {
      const section = new FieldSection();
      const decoder = new HpackDecoder(4096);
      const block = written(new HeadEncoder(), FIRST);
      decoder.decode(block, 0, block.length, section, 65_536, 256);
      const head = new Head();
      const run = (): number => (readRequestHead(section, head) === undefined ? head.length : -1);
      return { run, expected: run() };
    },
  },
  {
    name: 'http2 block not in the memo',
    setup: () => {
      const memo = new HeadMemo();
      const block = written(new HeadEncoder(), FIRST);
      // There is another one that might be this.
      const other = written(new HeadEncoder(), call(1));
      for (let i = 0; i < 2; i++) {
        memo.get('request', other, 0, other.length, 0);
        memo.offer('request', other, 0, other.length, 0, call(1));
      }
      return {
        run: () => (memo.get('request', block, 0, block.length, 0) === undefined ? 1 : 0),
        expected: 1,
      };
    },
  },
];

/**
 * Blocks of all calls by an encoder that has the common fields in its table, and the others not:
 * each literal of them is written without indexing. `seen` gets what led there.
 */
function varyingBlocks(seen: (block: Buffer) => void): readonly Buffer[] {
  const encoder = new HeadEncoder();
  return Array.from({ length: VARIANTS + 3 }, (_, i) => {
    const block = written(encoder, call(i));
    seen(block);
    return block;
  }).slice(3);
}

const encode: readonly MicroCase[] = [
  {
    name: 'http2 request encode, by memo',
    setup: () => {
      const encoder = new HeadEncoder();
      const head = new Head();
      head.own(FIRST);
      head.origin = { serial: 1 };
      for (let i = 0; i < 4; i++) encoder.request(ROOM, 0, head);
      const expected = encoder.request(ROOM, 0, head);
      return { run: () => encoder.request(ROOM, 0, head), expected };
    },
  },
  {
    name: 'http2 request encode, recurring without memo',
    setup: () => {
      const encoder = new HeadEncoder();
      for (let i = 0; i < 4; i++) encoder.request(ROOM, 0, FIRST);
      const expected = encoder.request(ROOM, 0, FIRST);
      return { run: () => encoder.request(ROOM, 0, FIRST), expected };
    },
  },
  {
    name: 'http2 request encode, gRPC that varies',
    setup: () => {
      const encoder = new HeadEncoder();
      for (const head of CALLS) encoder.request(ROOM, 0, head);
      let i = 0;
      const run = (): number => {
        i = variantAfter(i);
        return encoder.request(ROOM, 0, CALLS[i] ?? FIRST);
      };
      return { run, expected: run() };
    },
  },
  {
    name: 'http2 header list held against its limit',
    setup: () => ({ run: () => (isListAbove(FIRST, FIRST.length) ? 1 : 0), expected: 1 }),
  },
];

export const http2Heads: readonly MicroCase[] = [...decode, ...encode];
