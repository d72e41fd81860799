import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as field from './field.ts';

const KNOWN: readonly (readonly [name: string, id: number])[] = [
  ['connection', field.FIELD_CONNECTION],
  ['keep-alive', field.FIELD_KEEP_ALIVE],
  ['proxy-connection', field.FIELD_PROXY],
  ['proxy-authorization', field.FIELD_PROXY],
  ['proxy-authenticate', field.FIELD_PROXY],
  ['te', field.FIELD_TE],
  ['transfer-encoding', field.FIELD_TRANSFER_ENCODING],
  ['upgrade', field.FIELD_UPGRADE],
  ['content-length', field.FIELD_CONTENT_LENGTH],
  ['host', field.FIELD_HOST],
  ['expect', field.FIELD_EXPECT],
  ['http2-settings', field.FIELD_HTTP2_SETTINGS],
  ['content-type', field.FIELD_CONTENT_TYPE],
  ['culvert-client-id', field.FIELD_CULVERT],
  ['grpc-status', field.FIELD_GRPC_STATUS],
  ['trailer', field.FIELD_TRAILER],
  ['cookie', field.FIELD_COOKIE],
  ['set-cookie', field.FIELD_SET_COOKIE],
  ['authorization', field.FIELD_AUTHORIZATION],
  ['sec-websocket-key', field.FIELD_WEBSOCKET_KEY],
  ['sec-websocket-accept', field.FIELD_WEBSOCKET_ACCEPT],
];

/** The id of `name` in the middle of other bytes. */
function idOf(name: string): number {
  const bytes = Buffer.from(`-${name}-x`, 'latin1');
  return field.fieldId(bytes, 1, 1 + name.length);
}

const mixed = (name: string): string =>
  name.replaceAll(/./g, (letter, at: number) => (at % 2 === 0 ? letter.toUpperCase() : letter));

for (const [name, id] of KNOWN) {
  test(`fieldId knows ${name} in any case`, () => {
    for (const spelled of [name, name.toUpperCase(), mixed(name)]) {
      assert.equal(idOf(spelled), id, spelled);
    }
  });

  test(`fieldId does not take what is nearly ${name} for it`, () => {
    const prefix = name.startsWith('proxy-') || name.startsWith('culvert-');
    const near = [name.slice(1), `x${name}`];
    if (!prefix) near.push(name.slice(0, -1), `${name}s`, `${name}-`);
    for (let at = 0; at < (prefix ? name.indexOf('-') : name.length); at++) {
      near.push(`${name.slice(0, at)}_${name.slice(at + 1)}`);
    }
    for (const other of near) assert.equal(idOf(other), field.FIELD_OTHER, other);
  });
}

test('fieldId of every other token is other, also where folding meets punctuation', () => {
  for (const name of ['', 'x', 'accept', 'proxy', 'proxy_x', 'culvert', '~', '^', 'culvert_x']) {
    assert.equal(idOf(name), field.FIELD_OTHER, name);
  }
});

test('fieldId takes no byte that folds onto "-" for it', () => {
  // Only CR folds onto "-", and no name holds CR.
  for (const byte of Buffer.from("!#$%&'*+.^_`|~")) {
    const bytes = Buffer.from('keep-alive', 'latin1');
    bytes[4] = byte;
    assert.equal(field.fieldId(bytes, 0, bytes.length), field.FIELD_OTHER);
  }
});
