import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Failure } from '../../failure.ts';
import { RCODE } from './dns-message.ts';
import type { Reply } from './dns-message.ts';
import { serveNames } from './name-server.ts';
import type { AnswerQuestion } from './name-server.ts';

const HOST = '127.0.0.1';
const ADDRESSES = Array.from({ length: 40 }, (_, i) => `10.199.0.${i}`);

/** "web", type A, class IN, with id 7. */
const QUERY = Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 119, 101, 98, 0, 0, 1, 0, 1]);
const WHOLE_BYTES = QUERY.length + ADDRESSES.length * 16;

/** A port that was free a moment ago, for UDP at least. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

const TRIES_MAX = 50;

/** At a port that is free for both: on a busy machine many that UDP has are TCP's of somebody. */
async function serveSomewhere(
  answer: AnswerQuestion,
): Promise<{ readonly port: number; readonly close: () => void }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    try {
      return { port, close: await serveNames(HOST, port, answer) };
    } catch (error) {
      if (tries >= TRIES_MAX) throw error;
    }
  }
}

test('name server answers over UDP, and whole over TCP, however the question arrives', async (t) => {
  const { close, port } = await serveSomewhere(({ name }) => ({
    rcode: name === 'web' ? RCODE.ok : RCODE.noSuchName,
    addresses: ADDRESSES,
  }));
  t.after(close);

  const datagrams = createSocket('udp4');
  t.after(() => datagrams.close());
  // What is no question has no answer, and breaks nothing.
  datagrams.send(Buffer.from([1, 2, 3]), port, HOST);
  datagrams.send(QUERY, port, HOST);
  const [short] = (await once(datagrams, 'message')) as [Buffer];
  assert.equal(short.length, QUERY.length);
  assert.equal((short[2] ?? 0) & 0x02, 0x02, 'it says that it is cut');

  const framed = Buffer.concat([Buffer.from([0, QUERY.length]), QUERY]);
  for (let cut = 0; cut < framed.length; cut += 5) {
    const socket = connect(port, HOST).setNoDelay();
    t.after(() => socket.destroy());
    let got = Buffer.alloc(0);
    socket.write(framed.subarray(0, cut));
    await once(socket, 'connect');
    socket.write(framed.subarray(cut));
    while (got.length < WHOLE_BYTES + 2) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      got = Buffer.concat([got, chunk]);
    }
    assert.equal(got.readUInt16BE(0), WHOLE_BYTES);
    assert.equal(got.readUInt16BE(2 + 6), ADDRESSES.length);
  }
});

/** Sends a datagram from port 0 (RFC 768), which takes a raw socket; false where that cannot be had. */
function sendFromPort0(payload: Uint8Array, port: number): boolean {
  const header = new Uint16Array([0, port, 8 + payload.length, 0]);
  const datagram = Buffer.concat([Buffer.from(header.buffer).swap16(), payload]);
  const program = [
    'import socket, sys',
    's = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)',
    's.sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 0))',
  ].join('\n');
  const args = ['-c', program, datagram.toString('hex'), HOST];
  return spawnSync('python3', args, { stdio: 'ignore' }).status === 0;
}

test('name server lives on after a question from port 0', async (t) => {
  const asked: string[] = [];
  const { close, port } = await serveSomewhere(({ name }) => {
    asked.push(name);
    return nothing();
  });
  t.after(close);
  if (!sendFromPort0(QUERY, port)) return t.skip('no python3, or no raw sockets');
  const datagrams = createSocket('udp4');
  t.after(() => datagrams.close());
  datagrams.send(QUERY, port, HOST);
  await once(datagrams, 'message');
  assert.deepEqual(asked, ['web']);
});

const nothing = (): Reply => ({ rcode: RCODE.ok, addresses: [] });

test('name server says so when its address is taken', async (t) => {
  const { close, port } = await serveSomewhere(nothing);
  t.after(close);
  await assert.rejects(serveNames(HOST, port, nothing), (error) => {
    const sentence = /cannot answer names at 127\.0\.0\.1:\d+: .*EADDRINUSE/;
    return error instanceof Failure && sentence.test(error.message);
  });
});
