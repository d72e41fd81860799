import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageReader, frameMessage } from './message-reader.ts';

/** A reader that keeps what it is told, as text. */
function readerOf(bytesMax = 1_000): { reader: MessageReader; told: string[] } {
  const told: string[] = [];
  const reader = new MessageReader(bytesMax, (bytes, start, end) =>
    told.push(bytes.toString('latin1', start, end)),
  );
  return { reader, told };
}

const framed = (text: string): Buffer => frameMessage(Buffer.from(text, 'latin1'));

/** `bytes` in the middle of a buffer. */
function read(reader: MessageReader, bytes: Buffer): unknown {
  const around = Buffer.concat([Buffer.from('?!'), bytes, Buffer.from('!')]);
  return reader.read(around, 2, 2 + bytes.length);
}

test('frameMessage puts a flag of 0 and the length in front', () => {
  assert.equal(framed('abc').toString('latin1'), '\0\0\0\0\u0003abc');
  assert.equal(framed('').toString('latin1'), '\0\0\0\0\0');
});

test('MessageReader tells messages, the empty one too, however many come at once', () => {
  const { reader, told } = readerOf();
  assert.equal(read(reader, Buffer.concat(['a', '', 'bc'].map(framed))), undefined);
  assert.deepEqual([told, reader.inMessage], [['a', '', 'bc'], false]);
});

test('MessageReader knows that it is in a message, from the first octet of the prefix', () => {
  const { reader, told } = readerOf();
  const bytes = framed('abc');
  for (let at = 0; at < bytes.length - 1; at++) {
    read(reader, bytes.subarray(at, at + 1));
    assert.equal(reader.inMessage, true);
  }
  assert.deepEqual(told, []);
  read(reader, bytes.subarray(-1));
  assert.deepEqual([told, reader.inMessage], [['abc'], false]);
});

test('MessageReader takes a message of the limit, and refuses a longer one by its prefix', () => {
  const { reader, told } = readerOf(3);
  assert.equal(read(reader, framed('abc')), undefined);
  assert.deepEqual(read(reader, framed('abcd').subarray(0, 5)), {
    code: 8,
    message: 'A message has 4 bytes, and at most 3 are taken.',
  });
  assert.equal(read(reader, framed('abc')), undefined, 'it has stopped');
  assert.deepEqual(told, ['abc']);
});

test('MessageReader reads the longest length there is', () => {
  const { reader } = readerOf();
  assert.deepEqual(read(reader, Buffer.from([0, 255, 255, 255, 255])), {
    code: 8,
    message: 'A message has 4294967295 bytes, and at most 1000 are taken.',
  });
});

test('MessageReader refuses a compressed message', () => {
  const { reader, told } = readerOf();
  const bytes = framed('abc');
  bytes[0] = 1;
  assert.deepEqual(read(reader, bytes), {
    code: 13,
    message: 'A message is compressed, which nobody agreed to.',
  });
  assert.deepEqual(told, []);
});

test('MessageReader that is stopped by what it tells tells nothing more', () => {
  const told: string[] = [];
  const reader: MessageReader = new MessageReader(10, (bytes, start, end) => {
    told.push(bytes.toString('latin1', start, end));
    reader.stop();
  });
  read(reader, Buffer.concat([framed('a'), framed('b')]));
  read(reader, framed('c'));
  assert.deepEqual(told, ['a']);
});
