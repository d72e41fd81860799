/** HTTP/1.1 on HTTP/2 between sidecars: who rides, and what is said and restored of a head. */
import { attemptProtocol } from '../../../proxy/attempt/http1-transport.ts';
import { HpackDecoder } from '../../../proxy/codec/http2/hpack/decoder.ts';
import { FieldSection } from '../../../proxy/codec/http2/hpack/field-section.ts';
import { readRequestHead } from '../../../proxy/codec/http2/head-reader.ts';
import { HeadEncoder } from '../../../proxy/codec/http2/head-writer.ts';
import { restoreNames } from '../../../proxy/codec/http2/orig-proto-reader.ts';
import {
  ORIG_PROTO_VALUE_START,
  writeOrigProto,
} from '../../../proxy/codec/http2/orig-proto-writer.ts';
import { Head, ORIG_PROTO_HTTP1 } from '../../../proxy/model/head.ts';
import { endpointAt } from '../destination.ts';
import { REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

const written = (name: string, bytes: Buffer, kind: 'request' | 'response'): MicroCase => ({
  name: `orig-proto of a ${name}`,
  setup: () => {
    const head = headOf(bytes, kind);
    return {
      run: () => writeOrigProto(head) - ORIG_PROTO_VALUE_START,
      expected: 'HTTP/1.1; names=train'.length,
    };
  },
});

export const origProto: readonly MicroCase[] = [
  {
    name: 'protocol of an attempt that rides',
    setup: () => {
      const endpoint = endpointAt(8000);
      endpoint.meshed = true;
      const head = headOf(REQUEST, 'request');
      const run = (): number =>
        attemptProtocol('http2', endpoint, 'http1', head) === 'http2' ? 1 : 0;
      return { run, expected: 1 };
    },
  },
  written('request', REQUEST, 'request'),
  written('response', RESPONSE, 'response'),
  {
    name: 'orig-proto restores the names of a request',
    setup: () => {
      const out = Buffer.alloc(4096);
      const end = new HeadEncoder().request(out, 0, headOf(REQUEST, 'request'), true);
      const section = new FieldSection();
      new HpackDecoder(4096).decode(out, 0, end, section, 65_536, 256);
      const head = new Head();
      if (readRequestHead(section, head) !== undefined) throw new Error('not a head');
      return { run: () => restoreNames(section, head), expected: ORIG_PROTO_HTTP1 };
    },
  },
];
