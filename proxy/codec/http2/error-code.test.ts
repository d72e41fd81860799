import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { test } from 'node:test';
import * as codes from './error-code.ts';

const { errorCodeName } = codes;

/** Node's names of the same codes, by value. */
const KNOWN: readonly (readonly [name: string, code: number])[] = [
  ['NO_ERROR', constants.NGHTTP2_NO_ERROR],
  ['PROTOCOL_ERROR', constants.NGHTTP2_PROTOCOL_ERROR],
  ['INTERNAL_ERROR', constants.NGHTTP2_INTERNAL_ERROR],
  ['FLOW_CONTROL_ERROR', constants.NGHTTP2_FLOW_CONTROL_ERROR],
  ['SETTINGS_TIMEOUT', constants.NGHTTP2_SETTINGS_TIMEOUT],
  ['STREAM_CLOSED', constants.NGHTTP2_STREAM_CLOSED],
  ['FRAME_SIZE_ERROR', constants.NGHTTP2_FRAME_SIZE_ERROR],
  ['REFUSED_STREAM', constants.NGHTTP2_REFUSED_STREAM],
  ['CANCEL', constants.NGHTTP2_CANCEL],
  ['COMPRESSION_ERROR', constants.NGHTTP2_COMPRESSION_ERROR],
  ['CONNECT_ERROR', constants.NGHTTP2_CONNECT_ERROR],
  ['ENHANCE_YOUR_CALM', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ['INADEQUATE_SECURITY', constants.NGHTTP2_INADEQUATE_SECURITY],
  ['HTTP_1_1_REQUIRED', constants.NGHTTP2_HTTP_1_1_REQUIRED],
];

test('error codes and their names are those of RFC 9113 section 7', () => {
  const exported = Object.entries(codes).filter(([, code]) => typeof code === 'number');
  assert.deepEqual(Object.fromEntries(exported), Object.fromEntries(KNOWN));
  for (const [name, code] of KNOWN) assert.equal(errorCodeName(code), name);
});

test('errorCodeName shows a code that has no name as a number', () => {
  assert.equal(errorCodeName(0xe), 'error code 0xe');
  assert.equal(errorCodeName(0xffff_ffff), 'error code 0xffffffff');
});
