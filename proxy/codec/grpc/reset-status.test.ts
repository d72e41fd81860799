import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeName } from '../http2/error-code.ts';
import { statusOfReset } from './reset-status.ts';

/** The table of "gRPC over HTTP2", section Errors. */
const STATUSES = {
  NO_ERROR: 13,
  PROTOCOL_ERROR: 13,
  INTERNAL_ERROR: 13,
  FLOW_CONTROL_ERROR: 13,
  SETTINGS_TIMEOUT: 13,
  FRAME_SIZE_ERROR: 13,
  REFUSED_STREAM: 14,
  CANCEL: 1,
  COMPRESSION_ERROR: 13,
  CONNECT_ERROR: 13,
  ENHANCE_YOUR_CALM: 8,
  INADEQUATE_SECURITY: 7,
};
const CODES = 16;

for (const [name, status] of Object.entries(STATUSES)) {
  test(`statusOfReset of ${name} is ${status}`, () => {
    const code = Array.from({ length: CODES }, (_, i) => i).find((i) => errorCodeName(i) === name);
    assert.equal(statusOfReset(code ?? -1), status);
  });
}
