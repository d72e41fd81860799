import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLASS_IN, RCODE, readQuestion, TYPE_A, writeReply } from './dns-message.ts';
import type { Question } from './dns-message.ts';

const UDP_BYTES_MAX = 512;

const labelsOf = (name: string): readonly number[] => [
  ...name
    .split('.')
    .flatMap((label) => (label === '' ? [] : [label.length, ...Buffer.from(label, 'latin1')])),
  0,
];

/** A query as resolvers send it: id 0x1234, recursion desired, then whatever `tail` holds. */
function query(name: string, type = TYPE_A, tail: readonly number[] = []): Uint8Array {
  const header = [0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, tail.length > 0 ? 1 : 0];
  const asked = [0, type, 0, CLASS_IN];
  return Uint8Array.of(...header, ...labelsOf(name), ...asked, ...tail);
}

/** An EDNS record: 1232 bytes of UDP. */
const EDNS = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

function read(message: Uint8Array): Question {
  const question = readQuestion(message);
  assert.ok(question);
  return question;
}

test('question is read, whatever comes after it', () => {
  for (const tail of [[], EDNS]) {
    const { bytes, ...question } = read(query('Web.Demo.svc.cluster.local', 28, tail));
    assert.deepEqual(question, {
      id: 0x1234,
      recursionDesired: true,
      name: 'web.demo.svc.cluster.local',
      type: 28,
      class: CLASS_IN,
    });
    assert.equal(bytes.length, 'web.demo.svc.cluster.local'.length + 2 + 4);
  }
  assert.equal(read(query('')).name, '');
});

test('question that is cut at any byte is none', () => {
  const whole = query('web.demo.svc.cluster.local');
  for (let length = 0; length < whole.length; length++) {
    assert.equal(readQuestion(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test('answers, other operations, several questions, pointers and names without an end are no question', () => {
  const changed = (at: number, value: number): Uint8Array => {
    const message = query('web');
    message[at] = value;
    return message;
  };
  assert.equal(readQuestion(changed(2, 0x81)), undefined);
  assert.equal(readQuestion(changed(2, 0x29)), undefined);
  assert.equal(readQuestion(changed(5, 2)), undefined);
  assert.equal(readQuestion(changed(5, 0)), undefined);
  assert.equal(readQuestion(changed(12, 0xc0)), undefined);
  assert.ok(readQuestion(query(Array.from({ length: 127 }, () => 'a').join('.'))));
  assert.equal(readQuestion(query(Array.from({ length: 128 }, () => 'a').join('.'))), undefined);
});

test('reply repeats the question as it was spelled and has an address a record', () => {
  const message = query('WEB', TYPE_A, EDNS);
  const reply = writeReply(
    read(message),
    { rcode: RCODE.ok, addresses: ['10.198.0.1', '10.198.0.255'] },
    5,
    UDP_BYTES_MAX,
  );
  const header = [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 2, 0, 0, 0, 0];
  const question = [3, 0x57, 0x45, 0x42, 0, 0, 1, 0, 1];
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4];
  const records = [...record, 10, 198, 0, 1, ...record, 10, 198, 0, 255];
  assert.deepEqual([...reply], [...header, ...question, ...records]);
});

test('reply without an address says whether the name is known', () => {
  const question = read(query('web'));
  const code = (rcode: 0 | 3): number | undefined =>
    writeReply(question, { rcode, addresses: [] }, 5, UDP_BYTES_MAX)[3];
  assert.equal(code(RCODE.ok), 0x80);
  assert.equal(code(RCODE.noSuchName), 0x83);
});

test('reply that has no room says so and has no address', () => {
  const question = read(query('web'));
  const addresses = Array.from({ length: 40 }, (_, i) => `10.199.0.${i}`);
  const room = (bytesMax: number): Uint8Array =>
    writeReply(question, { rcode: RCODE.ok, addresses }, 5, bytesMax);
  const whole = 12 + 9 + 40 * 16;
  assert.equal(room(whole).length, whole);
  assert.equal(room(whole)[2], 0x85);
  assert.equal(room(whole - 1).length, 12 + 9);
  assert.equal(room(whole - 1)[2], 0x87);
  assert.equal(room(whole - 1)[7], 0);
});
