import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../../model/head.ts';
import { HeadParser } from '../http1/head-parser.ts';
import { hasStatusField, isGrpc } from './content-type.ts';

const LIMITS = { headBytesMax: 65_536, fieldCountMax: 64, targetBytesMax: 16_384 };

function headOf(fields: string): Head {
  const parser = new HeadParser(new Head(), LIMITS);
  parser.start('request');
  const bytes = Buffer.from(`xxPOST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`, 'latin1');
  parser.parse(bytes, 2, bytes.length);
  return parser.head;
}

const TYPES: readonly (readonly [type: string, is: boolean, status?: boolean])[] = [
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc-web', true, false],
  ['application/grpc-web-text+proto', true, false],
  ['Application/GRPC; charset=utf-8', true],
  ['application/grp', false],
  ['application/grpd', false],
  ['application/json', false],
  ['', false],
];

for (const [type, is, status = is] of TYPES) {
  test(`isGrpc of ${JSON.stringify(type)} is ${is}`, () => {
    assert.equal(isGrpc(headOf(`Content-Type: ${type}\r\n`)), is);
    assert.equal(hasStatusField(headOf(`Content-Type: ${type}\r\n`)), status);
  });
}

test('isGrpc reads no further than the value', () => {
  assert.equal(isGrpc(headOf('Content-Type: application\r\nX: /grpc\r\n')), false);
});

test('isGrpc of a head without Content-Type is false', () => {
  assert.equal(isGrpc(headOf('Accept: application/grpc\r\n')), false);
});
