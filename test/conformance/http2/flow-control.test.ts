/** Flow control as the sidecar keeps and gives it, in both roles (RFC 9113 sections 5.2 and 6.9). */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { endsStream, type Http2Peer } from '../../support/http2-peer.ts';
import {
  data,
  END_STREAM,
  headers,
  lastHeaders,
  padded,
  PADDED,
  postBlock,
  requestBlock,
  reset,
  SETTING,
  settings,
  statusBlock,
  windowUpdate,
} from '../../support/http2-wire.ts';
import { TwoEnds } from './two-ends.ts';

const { INITIAL_WINDOW_SIZE } = SETTING;
const WINDOW = 65_535;
/** What the sidecar announces for each stream. */
const SIDECAR_WINDOW = 65_536;
const BODY = Buffer.alloc(50_000, 'b');

const bytesOn = (peer: Http2Peer, stream: number): number => peer.messageSoFar(stream).body.length;
const isOver = (peer: Http2Peer, stream: number): boolean =>
  peer.received.some((frame) => frame.stream === stream && endsStream(frame));

/** Waits until `bytes` of DATA came on `stream`, and for as long as a PING takes for no more. */
async function assertBytes(peer: Http2Peer, stream: number, bytes: number): Promise<void> {
  await peer.until(
    `${bytes} bytes on ${stream}`,
    () => bytesOn(peer, stream) >= bytes || undefined,
  );
  await peer.alive();
  assert.equal(bytesOn(peer, stream), bytes, peer.story());
}

/**
 * A role in which the sidecar sends: who receives, on stream 1, a BODY that the sidecar has in hand
 * as far as its own window goes.
 */
interface Sending {
  readonly receiver: Http2Peer;
  readonly sender: Http2Peer;
}

describe('HTTP/2 flow control', () => {
  let ends: TwoEnds;
  before(async () => {
    ends = await TwoEnds.start();
  });
  after(() => ends.stop());
  afterEach(async () => {
    assert.deepEqual(await ends.hangUp(), []);
  });

  /** The sidecar as a server: it has an answer for stream 1 of the client. */
  async function answering(values: readonly (readonly [number, number])[]): Promise<Sending> {
    const receiver = await ends.dial({ settings: values });
    void receiver.send(lastHeaders(1, requestBlock('GET', '/')));
    const sender = await ends.upstream();
    await sender.nextRequest();
    void sender.send(headers(1, statusBlock(200)));
    await sender.sendBody(1, BODY);
    await receiver.frame('the head', ({ type }) => type === 'HEADERS');
    return { receiver, sender };
  }

  /** The sidecar as a client: it has a request for stream 1 of the upstream. */
  async function asking(values: readonly (readonly [number, number])[]): Promise<Sending> {
    const sender = await ends.dial({}, { settings: values });
    // A first exchange, so that the SETTINGS of the upstream are known.
    void sender.send(lastHeaders(1, requestBlock('GET', '/')));
    const receiver = await ends.upstream();
    await receiver.nextRequest();
    void receiver.send(lastHeaders(1, statusBlock(200)));
    await sender.message(1);
    void sender.send(headers(3, postBlock()));
    await sender.sendBody(3, BODY);
    await receiver.nextHead();
    return { receiver, sender };
  }

  const roles = [
    { role: 'server', start: answering, stream: 1 },
    { role: 'client', start: asking, stream: 3 },
  ] as const;

  for (const { role, start, stream } of roles) {
    describe(`of the sidecar as a ${role}`, () => {
      it('6.9.2: sends no DATA into a window of 0, and then what it is given', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 0]]);
        await assertBytes(receiver, stream, 0);
        void receiver.send(windowUpdate(stream, 1));
        await assertBytes(receiver, stream, 1);
        void receiver.send(windowUpdate(stream, 999));
        await assertBytes(receiver, stream, 1_000);
        void receiver.send(windowUpdate(stream, WINDOW));
        await receiver.message(stream);
        assert.equal(bytesOn(receiver, stream), BODY.length);
      });

      it('6.9.1: sends one octet into a window of 1', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 1]]);
        await assertBytes(receiver, stream, 1);
      });

      it('6.9.1: adds up many small increments', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 0]]);
        void receiver.send(...Array.from({ length: 100 }, () => windowUpdate(stream, 3)));
        await assertBytes(receiver, stream, 300);
      });

      it('6.9.2: follows SETTINGS that enlarge the window of an open stream', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 0]]);
        void receiver.send(settings([INITIAL_WINDOW_SIZE, 10]));
        await assertBytes(receiver, stream, 10);
        void receiver.send(settings([INITIAL_WINDOW_SIZE, 5], [INITIAL_WINDOW_SIZE, 30]));
        await assertBytes(receiver, stream, 30);
      });

      it('6.9.2: keeps a window that SETTINGS made negative', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 100]]);
        await assertBytes(receiver, stream, 100);
        void receiver.send(settings([INITIAL_WINDOW_SIZE, 40]), windowUpdate(stream, 59));
        await assertBytes(receiver, stream, 100);
        void receiver.send(windowUpdate(stream, 1));
        await assertBytes(receiver, stream, 100);
        void receiver.send(windowUpdate(stream, 7));
        await assertBytes(receiver, stream, 107);
        void receiver.send(settings([INITIAL_WINDOW_SIZE, WINDOW]));
        await receiver.message(stream);
      });

      it('6.9.1: keeps to the window of the connection', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 1_000_000]]);
        await receiver.message(stream);
        void receiver.send(windowUpdate(stream, 1));
        assert.equal(bytesOn(receiver, stream), BODY.length);
        await receiver.alive();
      });

      it('6.9: does not count heads and trailers', async () => {
        const { receiver } = await start([[INITIAL_WINDOW_SIZE, 0]]);
        assert.equal(
          receiver.received.some(({ type }) => type === 'DATA'),
          false,
        );
        void receiver.send(windowUpdate(stream, BODY.length));
        await receiver.message(stream);
      });
    });
  }

  it('6.9.1: shares the window of a connection among its streams', async () => {
    const client = await ends.dial({ settings: [[INITIAL_WINDOW_SIZE, 1_000_000]] });
    void client.send(
      lastHeaders(1, requestBlock('GET', '/')),
      lastHeaders(3, requestBlock('GET', '/')),
    );
    const server = await ends.upstream();
    for (let i = 0; i < 2; i++) {
      const { stream } = await server.nextRequest();
      void server.send(headers(stream, statusBlock(200)));
      await server.sendBody(stream, BODY);
    }
    const total = (): number => bytesOn(client, 1) + bytesOn(client, 3);
    await client.until('the window to be used', () => total() >= WINDOW || undefined);
    await client.alive();
    assert.equal(total(), WINDOW);
    void client.send(windowUpdate(0, 2 * BODY.length));
    await client.message(1);
    await client.message(3);
  });

  it('5.2.2: answers PING and other streams while a stream has no window', async () => {
    const client = await ends.dial({ settings: [[INITIAL_WINDOW_SIZE, 0]] });
    void client.send(lastHeaders(1, requestBlock('GET', '/')));
    const server = await ends.upstream();
    await server.nextRequest();
    void server.send(headers(1, statusBlock(200)));
    await server.sendBody(1, BODY);
    await client.frame('the head', ({ type }) => type === 'HEADERS');
    void client.send(lastHeaders(3, requestBlock('GET', '/')));
    await server.nextRequest();
    void server.send(lastHeaders(3, statusBlock(204)));
    await client.message(3);
    await client.alive();
    assert.equal(isOver(client, 1), false);
  });

  it('6.9: gives a client credit for a body of any size', async () => {
    const client = await ends.dial({}, { givesCredit: true });
    const body = Buffer.alloc(3_000_000, 'u');
    void client.send(headers(1, postBlock()));
    const sent = client.sendBody(1, body);
    const server = await ends.upstream();
    await server.nextHead();
    await sent;
    const { stream } = await server.message(1);
    assert.equal(bytesOn(server, stream), body.length);
    void server.send(lastHeaders(stream, statusBlock(200)));
    await client.message(1);
  });

  it('6.9: gives a server credit for a body of any size', async () => {
    const client = await ends.dial({ givesCredit: true });
    void client.send(lastHeaders(1, requestBlock('GET', '/')));
    const server = await ends.upstream();
    await server.nextRequest();
    void server.send(headers(1, statusBlock(200)));
    await server.sendBody(1, Buffer.alloc(3_000_000, 'd'));
    assert.equal((await client.message(1)).body.length, 3_000_000);
  });

  it('6.9: gives credit for padding', async () => {
    const client = await ends.dial({}, { givesCredit: true });
    void client.send(headers(1, postBlock()));
    const server = await ends.upstream();
    await server.nextHead();
    const frame = data(1, padded('x', 255), PADDED);
    for (let i = 0; i < 1_000; i++) {
      const credit = () => client.referee.creditOf(1) >= 257 || undefined;
      await client.until('credit', credit);
      void client.send(frame);
    }
    void client.send(data(1, '', END_STREAM));
    assert.equal((await server.message(1)).body.length, 1_000);
  });

  it('6.9: gives back the credit of DATA on streams that were reset', async () => {
    const client = await ends.dial({}, { givesCredit: true });
    void client.send(headers(1, postBlock(['X', 'malformed'])));
    assert.equal(await client.reset(1), 'PROTOCOL_ERROR');
    // Stream 1 has its window, the connection 1 MiB: three times that on reset streams.
    for (let stream = 3; stream < 110; stream += 2) {
      void client.send(headers(stream, postBlock(['X', 'malformed'])));
      for (let i = 0; i < 4; i++) {
        const left = () => client.referee.creditOf(stream) >= 16_000 || undefined;
        await client.until('credit of the connection', left);
        void client.send(data(stream, padded(Buffer.alloc(15_000), 255), PADDED));
      }
    }
    await client.alive();
  });

  it('6.9.1: refuses DATA beyond the window of a stream that nobody reads', async () => {
    const client = await ends.dial({}, { settings: [[INITIAL_WINDOW_SIZE, 0]] });
    void client.send(lastHeaders(1, requestBlock('GET', '/')));
    const server = await ends.upstream();
    await server.nextRequest();
    void server.send(lastHeaders(1, statusBlock(200)));
    await client.message(1);
    void client.send(headers(3, postBlock()));
    await server.nextHead();
    for (let sent = 0; sent < SIDECAR_WINDOW; sent += 16_384) {
      void client.send(data(3, Buffer.alloc(16_384)));
    }
    await client.alive();
    assert.equal(
      client.received.some(({ type }) => type === 'RST_STREAM'),
      false,
      client.story(),
    );
    void client.send(data(3, 'x'));
    assert.equal(await client.reset(3), 'FLOW_CONTROL_ERROR');
    assert.ok(['CANCEL', 'FLOW_CONTROL_ERROR', 'PROTOCOL_ERROR'].includes(await server.reset(3)));
    await client.alive();
  });

  it('6.9.1: refuses DATA beyond the window of an answer that nobody reads', async () => {
    const client = await ends.dial({ settings: [[INITIAL_WINDOW_SIZE, 0]] });
    void client.send(lastHeaders(1, requestBlock('GET', '/')));
    const server = await ends.upstream();
    await server.nextRequest();
    void server.send(headers(1, statusBlock(200)));
    for (let sent = 0; sent < SIDECAR_WINDOW; sent += 16_384) {
      void server.send(data(1, Buffer.alloc(16_384)));
    }
    await server.alive();
    assert.equal(
      server.received.some(({ type }) => type === 'RST_STREAM'),
      false,
      server.story(),
    );
    void server.send(data(1, 'x'));
    assert.equal(await server.reset(1), 'FLOW_CONTROL_ERROR');
    await client.reset(1);
    await server.alive();
  });

  it('5.1: gives up the window of a stream that the client resets', async () => {
    const client = await ends.dial({ settings: [[INITIAL_WINDOW_SIZE, 0]] });
    void client.send(lastHeaders(1, requestBlock('GET', '/')));
    const server = await ends.upstream();
    for (let stream = 1; stream < 80; stream += 2) {
      if (stream > 1) void client.send(lastHeaders(stream, requestBlock('GET', '/')));
      await server.nextRequest();
      void server.send(headers(stream, statusBlock(200)));
      await server.sendBody(stream, BODY);
      void client.send(reset(stream, 'CANCEL'));
      // The server may have ended the stream before it hears of the reset.
      await client.alive();
    }
    assert.ok(server.referee.creditOf(81) > 0);
  });
});
