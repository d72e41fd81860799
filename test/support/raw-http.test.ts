import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  headOf,
  MalformedMessageError,
  okAnswer,
  readRequest,
  readResponse,
  statusOf,
  type Message,
} from './raw-http.ts';
import { dial, EndOfBytesError, PeerServer, type PeerLink } from './scripted-peer.ts';

const CHUNKED =
  headOf('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked') +
  '5\r\nhello\r\n1\r\n!\r\n0\r\nX-A: \xe9\r\n\r\n';

/** What `read` makes of `bytes`, sent in pieces that end at `offsets`. */
async function readCut(
  bytes: string,
  offsets: readonly number[],
  read: (link: PeerLink) => Promise<Message>,
): Promise<Message> {
  await using server = await PeerServer.listen(async (link) => {
    await link.sendCut(bytes, offsets);
    link.halfClose();
  });
  using link = await dial(server.port);
  return await read(link);
}

it('readResponse reads a message cut at any byte', async () => {
  const bytes = headOf('HTTP/1.1 103 Early Hints') + CHUNKED;
  for (let offset = 1; offset < bytes.length; offset++) {
    const message = await readCut(bytes, [offset], readResponse);
    assert.equal(statusOf(message), 200);
    assert.equal(message.body.toString(), 'hello!');
    assert.deepEqual(message.trailers, [['X-A', '\xe9']]);
    assert.equal(message.interim.length, 1);
  }
});

it('readResponse never takes a part for the whole', async () => {
  for (const whole of [CHUNKED, okAnswer()]) {
    for (let size = 0; size < whole.length; size++) {
      await assert.rejects(readCut(whole.slice(0, size), [], readResponse), EndOfBytesError);
    }
  }
});

it('readResponse takes a reset for no end of a close-delimited body', async () => {
  await using server = await PeerServer.listen(async (link) => {
    await link.send(`${headOf('HTTP/1.1 200 OK')}part`);
    await link.arrived('go');
    link.reset();
  });
  using link = await dial(server.port);
  await link.arrived('part');
  await link.send('go');
  await assert.rejects(readResponse(link), EndOfBytesError);
});

for (const [name, bytes] of [
  ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
  ['a bare CR', headOf('HTTP/1.1 200 OK', 'X-A: b\rc')],
  ['a folded line', headOf('HTTP/1.1 200 OK', 'X-A: b', ' c')],
  ['a space before the colon', headOf('HTTP/1.1 200 OK', 'X-A : b')],
  ['NUL', headOf('HTTP/1.1 200 OK', 'X-A: \x00')],
  ['two framings', headOf('HTTP/1.1 200 OK', 'Content-Length: 0', 'Transfer-Encoding: chunked')],
  ['two lengths', headOf('HTTP/1.1 200 OK', 'Content-Length: 0', 'Content-Length: 0')],
  ['another version', headOf('HTTP/2.0 200 OK')],
  ['a chunk extension', CHUNKED.replace('5\r\n', '5;a\r\n')],
  ['a chunk that is too long', CHUNKED.replace('hello', 'hello!')],
] as const) {
  it(`readResponse refuses ${name}`, async () => {
    await assert.rejects(readCut(bytes, [], readResponse), MalformedMessageError);
  });
}

it('readRequest refuses a target with a space', async () => {
  const bytes = headOf('GET /a b HTTP/1.1', 'Host: web');
  await assert.rejects(readCut(bytes, [], readRequest), MalformedMessageError);
});
