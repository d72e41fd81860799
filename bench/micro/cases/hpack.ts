/** Parts of HPACK. */
import { Rng } from '../../../base/rng.ts';
import { putBytes } from '../../../proxy/codec/http1/bytes.ts';
import { hashBytes, hashName } from '../../../proxy/codec/http2/hpack/byte-hash.ts';
import { HpackDecoder } from '../../../proxy/codec/http2/hpack/decoder.ts';
import { DynamicTable } from '../../../proxy/codec/http2/hpack/dynamic-table.ts';
import { HpackEncoder, INDEX_RECURRING } from '../../../proxy/codec/http2/hpack/encoder.ts';
import { sectionFieldId } from '../../../proxy/codec/http2/hpack/field-id.ts';
import { FieldSection } from '../../../proxy/codec/http2/hpack/field-section.ts';
import {
  decodeHuffman,
  encodeHuffman,
  huffmanBytes,
} from '../../../proxy/codec/http2/hpack/huffman.ts';
import { IntegerReader, writeInteger } from '../../../proxy/codec/http2/hpack/integer.ts';
import { SeenWindow } from '../../../proxy/codec/http2/hpack/seen-window.ts';
import { SlotIndex } from '../../../proxy/codec/http2/hpack/slot-index.ts';
import { staticField, staticName } from '../../../proxy/codec/http2/hpack/static-index.ts';
import type { MicroCase } from '../micro-case.ts';

const VALUE = Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'latin1');
const out = Buffer.alloc(1024);

/** Values as varied as those of a busy caller: of one alone a core learns every bit by heart. */
const TOKENS = 50;
const TOKEN_BYTES = 200;

function codedTokens(): readonly Buffer[] {
  const rng = new Rng(1);
  const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
  return Array.from({ length: TOKENS }, () => {
    const token = Buffer.alloc(TOKEN_BYTES);
    for (let i = 0; i < TOKEN_BYTES; i++) token[i] = alphabet[rng.integer(alphabet.length)] ?? 0;
    const end = encodeHuffman(out, 0, token, 0, token.length);
    return Buffer.from(out.subarray(0, end));
  });
}

const strings: readonly MicroCase[] = [
  {
    name: 'huffman decode',
    setup: () => {
      const tokens = codedTokens();
      let i = 0;
      const run = (): number => {
        i = (i + 1) % TOKENS;
        const code = tokens[i] ?? VALUE;
        return decodeHuffman(code, 0, code.length, out, 0);
      };
      return { run, expected: TOKEN_BYTES };
    },
  },
  {
    name: 'huffman encode',
    setup: () => ({
      run: () => encodeHuffman(out, 0, VALUE, 0, VALUE.length),
      expected: huffmanBytes(VALUE, 0, VALUE.length),
    }),
  },
  {
    name: 'hpack copy 54 bytes',
    setup: () => ({
      run: () => putBytes(out, 0, VALUE, 0, VALUE.length),
      expected: VALUE.length,
    }),
  },
  {
    name: 'hpack hash of a field',
    setup: () => {
      const expected = hashBytes(hashName(VALUE, 0, 11), VALUE, 11, VALUE.length);
      return { run: () => hashBytes(hashName(VALUE, 0, 11), VALUE, 11, VALUE.length), expected };
    },
  },
  {
    name: 'hpack integer',
    setup: () => {
      const reader = new IntegerReader();
      return {
        run: () => reader.rest(out, 1, writeInteger(out, 0, 0, 0x7f, 200), 0x7f) * reader.value,
        expected: 2 * 200,
      };
    },
  },
];

/** `fields` of one letter and a value of 38 bytes, in the table of encoder and decoder. */
const FIELDS = 8;

const tables: readonly MicroCase[] = [
  {
    name: 'hpack table insertion',
    setup: () => {
      const table = new DynamicTable(4096, 128);
      return {
        run: () => {
          table.makeRoom(80);
          table.add(8, 40, 0, 0);
          return table.sizeBytes > 80 || table.count === 1 ? 1 : 0;
        },
        expected: 1,
      };
    },
  },
  {
    name: 'hpack table look-up',
    setup: () => {
      const index = new SlotIndex(128);
      for (let slot = 0; slot < 64; slot++) index.add(slot, slot * 31);
      return { run: () => index.first(40 * 31), expected: 40 };
    },
  },
  {
    name: 'hpack static entry',
    setup: () => {
      const line = Buffer.from('accept-encoding: gzip, deflate', 'latin1');
      const hash = hashName(line, 0, 15);
      const run = (): number =>
        staticField(staticName(hash, line, 0, 15), hash, line, 17, line.length);
      return { run, expected: run() };
    },
  },
  {
    name: 'hpack window',
    setup: () => {
      const window = new SeenWindow(32);
      let hash = 0;
      return { run: () => (window.see((hash = (hash + 0x9e37_79b9) | 0)) ? -1 : 1), expected: 1 };
    },
  },
  {
    name: 'hpack field id',
    setup: () => {
      const name = Buffer.from('grpc-status', 'latin1');
      const expected = sectionFieldId(name, 0, name.length);
      return { run: () => sectionFieldId(name, 0, name.length), expected };
    },
  },
  {
    name: 'hpack section, a field',
    setup: () => {
      const section = new FieldSection();
      return {
        run: () => {
          section.clear();
          section.openRoom();
          section.reserve(80);
          section.add(0, 8, 40, 0);
          return section.count;
        },
        expected: 1,
      };
    },
  },
];

const encodeAll = (encoder: HpackEncoder, fields: readonly Buffer[]): number => {
  let at = encoder.begin(out, 0);
  for (const bytes of fields) {
    at = encoder.field(out, at, bytes, 0, 1, 3, bytes.length, INDEX_RECURRING);
  }
  return at;
};

const indexed: readonly MicroCase[] = [
  {
    name: `hpack encode ${FIELDS} indexed fields`,
    setup: () => {
      const fields = Array.from({ length: FIELDS }, (_, i) =>
        Buffer.from(`${i}: ${'v'.repeat(38)}`),
      );
      const encoder = new HpackEncoder();
      for (let i = 0; i < 2; i++) encodeAll(encoder, fields);
      return { run: () => encodeAll(encoder, fields), expected: FIELDS };
    },
  },
  {
    name: `hpack decode ${FIELDS} indexed fields`,
    setup: () => {
      const fields = Array.from({ length: FIELDS }, (_, i) =>
        Buffer.from(`${i}: ${'v'.repeat(38)}`),
      );
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(4096);
      const section = new FieldSection();
      for (let i = 0; i < 3; i++) {
        decoder.decode(out, 0, encodeAll(encoder, fields), section, 65_536, 256);
      }
      const block = Buffer.from(out.subarray(0, FIELDS));
      return {
        run: () =>
          decoder.decode(block, 0, block.length, section, 65_536, 256) ? section.count : -1,
        expected: FIELDS,
      };
    },
  },
];

export const hpack: readonly MicroCase[] = [...strings, ...tables, ...indexed];
