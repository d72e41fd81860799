import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from './decoder.ts';
import { FIELD_PSEUDO } from './field-id.ts';
import { FieldSection } from './field-section.ts';
import { encodeHuffman } from './huffman.ts';

const OFFSET = 3;
const SIZE_MAX = 65_536;
const COUNT_MAX = 256;

const unspaced = (hex: string): string => hex.replaceAll(' ', '');

/** Decodes `hex` in the middle of other bytes; undefined is COMPRESSION_ERROR. */
function decode(
  decoder: HpackDecoder,
  hex: string,
  section = new FieldSection(),
  sizeMax = SIZE_MAX,
  countMax = COUNT_MAX,
): string[] | undefined {
  const bytes = Buffer.from(`ffffff${unspaced(hex)}ff00ff`, 'hex');
  const end = bytes.length - OFFSET;
  if (!decoder.decode(bytes, OFFSET, end, section, sizeMax, countMax)) return undefined;
  return fieldsOf(section);
}

const fieldsOf = (section: FieldSection): string[] =>
  Array.from({ length: section.count }, (_, i) => {
    const line = section.bytes.toString('latin1', section.nameStart(i), section.valueEnd(i) + 2);
    assert.equal(section.valueStart(i) - section.nameEnd(i), 2);
    assert.ok(line.endsWith('\r\n'));
    return line.slice(0, -2);
  });

/** Blocks on one connection, and what each means. */
interface Example {
  readonly name: string;
  readonly tableBytesMax?: number;
  readonly blocks: readonly (readonly [hex: string, fields: readonly string[]])[];
}

const FIRST_REQUEST = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const SECOND_REQUEST = [...FIRST_REQUEST, 'cache-control: no-cache'];
const THIRD_REQUEST = [
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
];
const LOCATION = 'location: https://www.example.com';
const FIRST_RESPONSE = [
  ':status: 302',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:21 GMT',
  LOCATION,
];
const SECOND_RESPONSE = [':status: 307', ...FIRST_RESPONSE.slice(1)];
const THIRD_RESPONSE = [
  ':status: 200',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:22 GMT',
  LOCATION,
  'content-encoding: gzip',
  'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
];

/** RFC 7541 appendix C. */
const EXAMPLES: readonly Example[] = [
  {
    name: 'C.2.1, a literal with indexing',
    blocks: [
      ['400a637573746f6d2d6b65790d637573746f6d2d686561646572', ['custom-key: custom-header']],
      ['be', ['custom-key: custom-header']],
    ],
  },
  {
    name: 'C.2.2, a literal without indexing',
    blocks: [['040c2f73616d706c652f70617468', [':path: /sample/path']]],
  },
  {
    name: 'C.2.3, a never-indexed literal',
    blocks: [['100870617373776f726406736563726574', ['password: secret']]],
  },
  { name: 'C.2.4, an indexed field', blocks: [['82', [':method: GET']]] },
  {
    name: 'C.3, requests without Huffman code',
    blocks: [
      ['828684410f7777772e6578616d706c652e636f6d', FIRST_REQUEST],
      ['828684be58086e6f2d6361636865', SECOND_REQUEST],
      ['828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565', THIRD_REQUEST],
    ],
  },
  {
    name: 'C.4, requests with Huffman code',
    blocks: [
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', FIRST_REQUEST],
      ['828684be5886a8eb10649cbf', SECOND_REQUEST],
      ['828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', THIRD_REQUEST],
    ],
  },
  {
    name: 'C.5, responses without Huffman code that evict',
    tableBytesMax: 256,
    blocks: [
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
          '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        FIRST_RESPONSE,
      ],
      ['4803333037c1c0bf', SECOND_RESPONSE],
      [
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f' +
          '3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076' +
          '657273696f6e3d31',
        THIRD_RESPONSE,
      ],
    ],
  },
  {
    name: 'C.6, responses with Huffman code that evict',
    tableBytesMax: 256,
    blocks: [
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f' +
          '0b97c8e9ae82ae43d3',
        FIRST_RESPONSE,
      ],
      ['4883640effc1c0bf', SECOND_RESPONSE],
      [
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df' +
          'dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
        THIRD_RESPONSE,
      ],
    ],
  },
];

for (const { name, tableBytesMax = 4096, blocks } of EXAMPLES) {
  test(`HpackDecoder decodes RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder(tableBytesMax);
    for (const [hex, fields] of blocks) assert.deepEqual(decode(decoder, hex), fields);
  });
}

test('HpackDecoder refuses every example that is cut inside a field, or reads what is whole', () => {
  for (const { tableBytesMax = 4096, blocks } of EXAMPLES) {
    for (const [which, [hex, fields]] of blocks.entries()) {
      for (let cut = 0; cut < hex.length; cut += 2) {
        const decoder = new HpackDecoder(tableBytesMax);
        for (const [before] of blocks.slice(0, which)) decode(decoder, before);
        const read = decode(decoder, hex.slice(0, cut));
        if (read !== undefined) assert.deepEqual(read, fields.slice(0, read.length));
      }
    }
  }
});

/** `40 01 61 01 62` puts "a: b" (34 bytes) into the table. */
const INSERT = '4001610162';

/** Blocks on one connection, of which the last is COMPRESSION_ERROR and no other. */
const MALFORMED: readonly (readonly [name: string, ...blocks: readonly string[]])[] = [
  ['index 0', '80'],
  ['an index behind the tables', 'be'],
  ['an index behind the tables by far', 'ffffffff07'],
  ['an index behind the one entry there is', INSERT, 'bf'],
  ['an index that was evicted', INSERT, '20', 'be'],
  ['an index that is cut', 'ff'],
  ['an index of five octets', 'ff8080808000'],
  ['a literal whose name is behind the tables, indexing', '7e0161'],
  ['a literal whose name is behind the tables', '0f2f0161'],
  ['a literal whose name is behind the tables, never indexed', '1f2f0161'],
  ['a literal without a name', '40'],
  ['a literal whose name is cut', '400261'],
  ['a literal without a value', '400161'],
  ['a literal whose value is cut', '40016102'],
  ['a literal whose value is cut after a byte', '4001610262'],
  ['a length of five octets', '40017f8080808000'],
  ['a length that is larger than any block', '4001617fffffff7f'],
  ['Huffman code with EOS', '400161 84ffffffff'],
  ['Huffman code with eight bits of padding', '400161 82f8ff'],
  ['Huffman code padded with zeros', '400161 8100'],
  ['a name in malformed Huffman code', '4081ff 0161'],
  ['a size update behind a field', '8220'],
  ['a size update behind a literal', `${INSERT}20`],
  ['a size update behind a field, which could pass for a literal', '82210161'],
  ['a size update above what was announced', '3fe21f'],
  ['a size update that is cut', '3f'],
  ['a size update of five octets', '3f8080808000'],
  ['a third size update', '202020'],
];

for (const [name, ...blocks] of MALFORMED) {
  test(`HpackDecoder refuses ${name}`, () => {
    const decoder = new HpackDecoder(4096);
    const read = blocks.map((hex) => decode(decoder, hex));
    assert.equal(read.pop(), undefined);
    assert.ok(!read.includes(undefined));
  });
}

test('HpackDecoder takes size updates up to what was announced, two in a block', () => {
  const decoder = new HpackDecoder(4096);
  assert.deepEqual(decode(decoder, `3fe11f ${INSERT}`), ['a: b']);
  assert.deepEqual(decode(decoder, '2021'), []);
  assert.deepEqual(decode(decoder, `203fe11f ${INSERT} be`), ['a: b', 'a: b']);
});

test('HpackDecoder evicts with a size update, also one that is followed by a larger', () => {
  const decoder = new HpackDecoder(4096);
  decode(decoder, INSERT);
  assert.deepEqual(decode(decoder, '203fe11f82'), [':method: GET']);
  assert.equal(decode(decoder, 'be'), undefined);
});

test('HpackDecoder demands a size update when less is announced than the peer may use', () => {
  for (const [block, fields] of [
    ['82', undefined],
    ['3fe11f82', undefined],
    ['3f6182', [':method: GET']],
    ['3f6282', undefined],
    ['2082', [':method: GET']],
    ['203f6182', [':method: GET']],
    ['', []],
  ] as const) {
    const decoder = new HpackDecoder(4096);
    decoder.setTableBytesMax(128);
    assert.deepEqual(decode(decoder, block), fields, block);
  }
});

test('HpackDecoder demands the size update once', () => {
  const decoder = new HpackDecoder(4096);
  decoder.setTableBytesMax(128);
  assert.deepEqual(decode(decoder, '3f61'), []);
  assert.deepEqual(decode(decoder, '82'), [':method: GET']);
});

test('HpackDecoder demands the lowest of several sizes announced, first', () => {
  for (const [block, fields] of [
    ['3fe11f82', undefined],
    ['3f61 3fe11f 82', [':method: GET']],
    ['3f61 82', [':method: GET']],
    ['3fe11f 3f61 82', undefined],
  ] as const) {
    const decoder = new HpackDecoder(4096);
    decoder.setTableBytesMax(128);
    decoder.setTableBytesMax(4096);
    assert.deepEqual(decode(decoder, block), fields, block);
  }
});

test('HpackDecoder demands nothing when more is announced, and takes it', () => {
  const decoder = new HpackDecoder(100);
  decoder.setTableBytesMax(4096);
  assert.deepEqual(decode(decoder, `${INSERT}${INSERT}${INSERT}`)?.length, 3);
  assert.equal(decode(decoder, 'c0'), undefined);
  const raised = new HpackDecoder(100);
  raised.setTableBytesMax(4096);
  assert.deepEqual(decode(raised, `3fe11f ${INSERT}${INSERT}${INSERT}`)?.length, 3);
  assert.deepEqual(decode(raised, 'c0'), ['a: b']);
});

test('HpackDecoder names an entry by one that its own insertion evicts (RFC 7541 4.4)', () => {
  const decoder = new HpackDecoder(40);
  decode(decoder, '4002616101 62');
  assert.deepEqual(decode(decoder, '7e056363636363'), ['aa: ccccc']);
  assert.deepEqual(decode(decoder, 'be'), ['aa: ccccc']);
  assert.equal(decode(decoder, 'bf'), undefined);
});

test('HpackDecoder is emptied by an entry larger than the table, which it reads all the same', () => {
  const decoder = new HpackDecoder(40);
  decode(decoder, INSERT);
  assert.deepEqual(decode(decoder, '400161 0a62626262626262626262'), [`a: ${'b'.repeat(10)}`]);
  assert.equal(decode(decoder, 'be'), undefined);
});

test('HpackDecoder tells never-indexed literals, and keeps them out of the table', () => {
  const decoder = new HpackDecoder(4096);
  const section = new FieldSection();
  decode(decoder, '1001610162 0001610162 82', section);
  assert.deepEqual([section.neverIndexed(0), section.neverIndexed(1)], [true, false]);
  assert.equal(section.secret, true);
  assert.equal(decode(decoder, 'be'), undefined);
  decode(decoder, '82', section);
  assert.equal(section.secret, false);
});

/** Names and values that HTTP/2 forbids, or that are no tokens. */
const INVALID: readonly (readonly [name: string, value: string])[] = [
  ['Upper', 'x'],
  ['', 'x'],
  ['a b', 'x'],
  ['a:b', 'x'],
  [':', 'x'],
  [':Path', 'x'],
  ['a\0', 'x'],
  ['a\x80', 'x'],
  ['a', 'x\0'],
  ['a', '\r'],
  ['a', 'x\ny'],
  ['a', ' x'],
  ['a', 'x\t'],
  ['a', ' '],
  ['a', 'x\x7f'],
  ['a', '\x01'],
];

function literal(name: string, value: string, first: number): string {
  const bytes = Buffer.from([first, name.length, ...Buffer.from(name, 'latin1')]);
  const rest = Buffer.from([value.length, ...Buffer.from(value, 'latin1')]);
  return Buffer.concat([bytes, rest]).toString('hex');
}

for (const [name, value] of INVALID) {
  test(`HpackDecoder marks ${JSON.stringify([name, value])}, from the table too`, () => {
    const section = new FieldSection();
    const decoder = new HpackDecoder(4096);
    for (const block of [literal(name, value, 0x40), 'be', literal(name, value, 0x10)]) {
      assert.deepEqual(decode(decoder, block, section), [`${name}: ${value}`]);
      assert.equal(section.invalid, true, block);
    }
    decode(decoder, '82', section);
    assert.equal(section.invalid, false);
  });
}

test('HpackDecoder takes of a value what RFC 9110 section 5.5 does, byte by byte', () => {
  const section = new FieldSection();
  for (let byte = 0; byte < 256; byte++) {
    const good = byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
    // Alone at its place, and among others that a look-up may find with it.
    for (const around of ['a', 'aaaaaaaaaaaaaaaa']) {
      const value = `${around}${String.fromCharCode(byte)}${around}`;
      decode(new HpackDecoder(4096), literal('x', value, 0), section);
      assert.equal(section.invalid, !good, `${byte}`);
      const code = Buffer.alloc(64);
      const end = encodeHuffman(code, 0, Buffer.from(value, 'latin1'), 0, value.length);
      const coded = Buffer.concat([Buffer.from([0, 1, 0x78, 0x80 | end]), code.subarray(0, end)]);
      assert.deepEqual(decode(new HpackDecoder(4096), coded.toString('hex'), section), [
        `x: ${value}`,
      ]);
      assert.equal(section.invalid, !good, `${byte} in Huffman code`);
    }
  }
});

test('HpackDecoder marks a name that came with a table entry as the name it was', () => {
  const decoder = new HpackDecoder(4096);
  const section = new FieldSection();
  decode(decoder, literal('Upper', 'x', 0x40));
  decode(decoder, '7e0179', section);
  assert.equal(section.invalid, true, 'an upper-case name with another value');
  decode(decoder, literal('a', ' x', 0x40));
  decode(decoder, '7e0179', section);
  assert.equal(section.invalid, false, 'a good name whose first value was bad');
});

test('HpackDecoder takes odd but good names and values', () => {
  const section = new FieldSection();
  const decoder = new HpackDecoder(4096);
  for (const [name, value] of [
    ["!#$%&'*+-.^_`|~09az", ''],
    ['a', 'x \t y\x80\xff'],
  ] as const) {
    assert.deepEqual(decode(decoder, literal(name, value, 0), section), [`${name}: ${value}`]);
    assert.equal(section.invalid, false);
  }
});

test('HpackDecoder marks a pseudo-field behind a regular one, and knows those there are', () => {
  const section = new FieldSection();
  const decoder = new HpackDecoder(4096);
  decode(decoder, `82 ${INSERT} 84`, section);
  assert.equal(section.invalid, true);
  decode(decoder, `${literal(':unknown', 'x', 0)} 86`, section);
  assert.deepEqual([section.id(0), section.invalid], [FIELD_PSEUDO, false]);
});

test('HpackDecoder leaves room before regular lines for what pseudo-fields took, once', () => {
  const section = new FieldSection();
  decode(new HpackDecoder(4096), `82 84 86 ${INSERT} ${INSERT}`, section);
  const end = section.valueEnd(2) + 2;
  assert.equal(section.pseudoCount, 3);
  assert.equal(section.regularStart, section.nameStart(3));
  assert.ok(section.regularStart - end >= end);
  assert.equal(section.nameStart(4), section.valueEnd(3) + 2);
});

test('HpackDecoder keeps what fits, and the table in step with the rest', () => {
  const section = new FieldSection();
  const long = literal('n', 'v'.repeat(60), 0x40);
  for (const [sizeMax, countMax, kept] of [
    [42, COUNT_MAX, 1],
    [41, COUNT_MAX, 0],
    [42 + 93, COUNT_MAX, 2],
    [42 + 92, COUNT_MAX, 1],
    [SIZE_MAX, 2, 2],
    [SIZE_MAX, 1, 1],
    [0, 0, 0],
  ] as const) {
    const decoder = new HpackDecoder(4096);
    const read = decode(decoder, `82 ${long} ${INSERT} be`, section, sizeMax, countMax);
    assert.equal(read?.length, kept, `${sizeMax} ${countMax}`);
    assert.equal(section.tooLarge, true);
    assert.ok(section.sizeBytes <= sizeMax);
    assert.deepEqual(decode(decoder, 'bebf', section), ['a: b', `n: ${'v'.repeat(60)}`]);
    assert.equal(section.tooLarge, false);
  }
});

test('HpackDecoder reads what is beyond the bounds as strictly as what is within', () => {
  for (const block of [
    '400161 8100',
    '000161 82f8ff',
    '100161 84ffffffff',
    'be',
    '80',
    '0081ff01',
  ]) {
    const decoder = new HpackDecoder(4096);
    assert.equal(decode(decoder, block, new FieldSection(), 0, 0), undefined, block);
  }
});

test('HpackDecoder empties the table for an entry that is too large for section and table', () => {
  const decoder = new HpackDecoder(100);
  decode(decoder, INSERT);
  const long = literal('n', 'v'.repeat(100), 0x40);
  assert.deepEqual(decode(decoder, long, new FieldSection(), 50, 10), []);
  assert.equal(decode(decoder, 'be'), undefined);
});

test('HpackDecoder counts Huffman code by what it decodes to, not by what it might', () => {
  // 8 bytes of "&" take 8 bytes of code, which could be 12 of shorter ones.
  const section = new FieldSection();
  const block = `000161 88${'f8'.repeat(8)}`;
  assert.deepEqual(decode(new HpackDecoder(4096), block, section, 32 + 9, 9), [
    `a: ${'&'.repeat(8)}`,
  ]);
  assert.deepEqual(decode(new HpackDecoder(4096), block, section, 32 + 8, 9), []);
});

test('HpackDecoder spends bounded memory on a block that expands a thousandfold', () => {
  const decoder = new HpackDecoder(4096);
  const section = new FieldSection();
  // An entry of 4 KB, then 16 KB of references to it: 64 MB if they were kept.
  const value = 'v'.repeat(3900);
  const inserted = Buffer.concat([
    Buffer.from([0x40, 1, 0x6e, 0x7f, 0xbd, 0x1d]),
    Buffer.from(value),
  ]).toString('hex');
  assert.equal(decode(decoder, inserted, section)?.length, 1);
  const read = decode(decoder, 'be'.repeat(16_384), section);
  assert.equal(read?.length, Math.floor(SIZE_MAX / (1 + 3900 + 32)));
  assert.equal(section.tooLarge, true);
  assert.ok(section.bytes.length <= 4 * SIZE_MAX);
  assert.ok(decoder.heldBytes <= 4 * 4096);
});

test('HpackDecoder changes its generation with the table and with size updates only', () => {
  const decoder = new HpackDecoder(4096);
  const changed = (hex: string): boolean => {
    const { generation } = decoder;
    decode(decoder, hex);
    return decoder.generation !== generation;
  };
  assert.deepEqual(
    ['82', '000161016210', INSERT, 'be', '1001610162', '3fe11f'].map((hex) => changed(hex)),
    [false, false, true, false, false, true],
  );
});
