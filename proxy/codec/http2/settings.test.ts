import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../limits.ts';
import { errorCodeName } from './error-code.ts';
import {
  ownSettings,
  PeerSettings,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
  SETTINGS_MAX_HEADER_LIST_SIZE,
} from './settings.ts';
import type { Http2Role, Setting } from './settings.ts';

const HEAD = Buffer.from('....');

/** Applies a frame of `settings`; the name of the fault's code, or undefined. */
function apply(peer: PeerSettings, ...settings: readonly Setting[]): string | undefined {
  const payload = Buffer.alloc(settings.length * 6);
  settings.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  const bytes = Buffer.concat([HEAD, payload, HEAD]);
  const fault = peer.apply(bytes, HEAD.length, bytes.length - HEAD.length);
  return fault === undefined ? undefined : errorCodeName(fault.code);
}

test('PeerSettings begin with the values of RFC 9113 section 6.5.2', () => {
  const { ...values } = new PeerSettings('client');
  assert.deepEqual(values, {
    headerTableBytes: 4096,
    headerTableBytesLeast: 4096,
    concurrentStreamsMax: 2 ** 32 - 1,
    initialWindowBytes: 65_535,
    headerListBytesMax: 2 ** 32 - 1,
    extendedConnect: false,
  });
});

test('PeerSettings take every setting, the last value of each, and no unknown one', () => {
  const peer = new PeerSettings('client');
  const fault = apply(
    peer,
    [SETTINGS_HEADER_TABLE_SIZE, 2 ** 32 - 1],
    [SETTINGS_ENABLE_PUSH, 0],
    [SETTINGS_MAX_CONCURRENT_STREAMS, 1],
    [SETTINGS_MAX_CONCURRENT_STREAMS, 0],
    [SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 31 - 1],
    [SETTINGS_MAX_FRAME_SIZE, 2 ** 24 - 1],
    [SETTINGS_MAX_HEADER_LIST_SIZE, 0],
    [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
    [0xffff, 2 ** 32 - 1],
    [0, 7],
  );
  assert.equal(fault, undefined);
  const { ...values } = peer;
  assert.deepEqual(values, {
    headerTableBytes: 2 ** 32 - 1,
    headerTableBytesLeast: 4096,
    concurrentStreamsMax: 0,
    initialWindowBytes: 2 ** 31 - 1,
    headerListBytesMax: 0,
    extendedConnect: true,
  });
  assert.equal(apply(peer), undefined);
  assert.equal(apply(peer, [SETTINGS_MAX_FRAME_SIZE, 16_384]), undefined);
  assert.equal(peer.concurrentStreamsMax, 0);
});

test('PeerSettings keep the least table size of a frame', () => {
  const peer = new PeerSettings('client');
  apply(peer, [SETTINGS_HEADER_TABLE_SIZE, 100], [SETTINGS_HEADER_TABLE_SIZE, 8192]);
  assert.deepEqual([peer.headerTableBytesLeast, peer.headerTableBytes], [100, 8192]);
  apply(peer, [SETTINGS_HEADER_TABLE_SIZE, 9000]);
  assert.deepEqual([peer.headerTableBytesLeast, peer.headerTableBytes], [8192, 9000]);
  apply(peer);
  assert.deepEqual([peer.headerTableBytesLeast, peer.headerTableBytes], [9000, 9000]);
});

/** A setting of a peer, and what it is. */
const VALUES: readonly (readonly [role: Http2Role, setting: Setting, code: string | undefined])[] =
  [
    ['client', [SETTINGS_ENABLE_PUSH, 0], undefined],
    ['client', [SETTINGS_ENABLE_PUSH, 1], undefined],
    ['client', [SETTINGS_ENABLE_PUSH, 2], 'PROTOCOL_ERROR'],
    ['server', [SETTINGS_ENABLE_PUSH, 0], undefined],
    ['server', [SETTINGS_ENABLE_PUSH, 1], 'PROTOCOL_ERROR'],
    ['server', [SETTINGS_ENABLE_PUSH, 2 ** 32 - 1], 'PROTOCOL_ERROR'],
    ['client', [SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 31], 'FLOW_CONTROL_ERROR'],
    ['server', [SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 32 - 1], 'FLOW_CONTROL_ERROR'],
    ['client', [SETTINGS_INITIAL_WINDOW_SIZE, 0], undefined],
    ['client', [SETTINGS_MAX_FRAME_SIZE, 16_383], 'PROTOCOL_ERROR'],
    ['client', [SETTINGS_MAX_FRAME_SIZE, 0], 'PROTOCOL_ERROR'],
    ['server', [SETTINGS_MAX_FRAME_SIZE, 2 ** 24], 'PROTOCOL_ERROR'],
    ['server', [SETTINGS_MAX_FRAME_SIZE, 2 ** 32 - 1], 'PROTOCOL_ERROR'],
    ['server', [SETTINGS_ENABLE_CONNECT_PROTOCOL, 0], undefined],
    ['server', [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1], undefined],
    ['server', [SETTINGS_ENABLE_CONNECT_PROTOCOL, 2], 'PROTOCOL_ERROR'],
  ];

for (const [role, [id, value], code] of VALUES) {
  test(`PeerSettings of a ${role}: setting ${id} of ${value} is ${code ?? 'taken'}`, () => {
    assert.equal(apply(new PeerSettings(role), [0x99, 1], [id, value], [0x99, 2]), code);
  });
}

test('PeerSettings let nobody take extended CONNECT back', () => {
  const peer = new PeerSettings('server');
  assert.equal(apply(peer, [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1]), undefined);
  assert.equal(apply(peer, [SETTINGS_ENABLE_CONNECT_PROTOCOL, 0]), 'PROTOCOL_ERROR');
});

test('ownSettings allow no push, and open streams only to clients', () => {
  const common = [
    [SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [SETTINGS_MAX_HEADER_LIST_SIZE, limits.headBytesMax],
  ];
  assert.deepEqual(ownSettings('client', 7), [[SETTINGS_ENABLE_PUSH, 0], ...common]);
  assert.deepEqual(ownSettings('server', 7), [
    [SETTINGS_MAX_CONCURRENT_STREAMS, 7],
    [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
    ...common,
  ]);
});
