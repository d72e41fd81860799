import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { eventually, settled } from '../support/deadline.ts';
import { queuedBytes, residentBytes } from '../support/kernel-sockets.ts';
import { headOf, readRequestHead, readResponse, readRequestBody } from '../support/raw-http.ts';
import { dial, PeerServer, splitAddress, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const MIB = 2 ** 20;
const PATTERN = Buffer.from(Array.from({ length: 251 * 256 }, (_, i) => i % 251));
/** What a sidecar may hold of one stalled direction. */
const HELD_BYTES_MAX = MIB;
const STALLED = 8;
const linuxOnly = process.platform === 'linux' ? false : 'reads the queues of sockets from /proc';
const STALLING = { record: false, highWaterBytes: 1024 };

/** The connection is not for another exchange: nobody would read it. */
const ENDLESS = headOf('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Connection: close');

const CHUNK = Buffer.concat([
  Buffer.from(`${PATTERN.length.toString(16)}\r\n`),
  PATTERN,
  Buffer.from('\r\n'),
]);
const PIPELINED = Buffer.from(headOf('GET /x HTTP/1.1', 'Host: web').repeat(1000));

/** Writes `unit`, a chunk of a body, over and over until stopped, and then its end. */
class EndlessBody {
  readonly #link: PeerLink;
  readonly #unit: Buffer;
  readonly done: Promise<void>;
  /** Body bytes handed to the socket. */
  bodyBytes = 0;
  #stop = false;

  constructor(link: PeerLink, unit = CHUNK) {
    this.#link = link;
    this.#unit = unit;
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#stop && (await this.#link.send(this.#unit))) this.bodyBytes += PATTERN.length;
    await this.#link.send('0\r\n\r\n');
  }

  stop(): void {
    this.#stop = true;
  }

  /** Bytes that left this process. */
  get sentBytes(): number {
    const { socket } = this.#link;
    return socket.bytesWritten - socket.writableLength;
  }
}

/** A sink that checks the pattern. */
function patternSink() {
  let at = 0;
  return {
    write: (bytes: Buffer) => {
      for (let from = 0; from < bytes.length;) {
        const size = Math.min(bytes.length - from, PATTERN.length - at);
        assert.ok(bytes.subarray(from, from + size).equals(PATTERN.subarray(at, at + size)));
        from += size;
        at = (at + size) % PATTERN.length;
      }
    },
  };
}

describe('backpressure through a sidecar', { skip: linuxOnly }, () => {
  let upstream: PeerServer;
  let sidecar: Sidecar;
  let script: (link: PeerLink) => Promise<void>;
  // Each test has its own: what one leaves stalled is not for the next.
  beforeEach(async () => {
    upstream = await PeerServer.listen((link) => script(link), STALLING);
    sidecar = await Sidecar.inbound(upstream.port);
  });
  afterEach(async () => {
    await sidecar?.stop();
    await upstream?.close();
    assert.deepEqual(upstream?.failures, []);
  });

  /** Waits until nothing moves, and checks what the sidecar holds of what the writers sent. */
  async function checkHeld(writers: readonly EndlessBody[], readers: () => readonly PeerLink[]) {
    const sent = () => writers.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    await settled(sent);
    const read = readers().reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
    const queued = queuedBytes([upstream.port, splitAddress(sidecar.address)[1]]);
    const held = sent() - read - queued;
    const maximum = HELD_BYTES_MAX * writers.length;
    assert.ok(held <= maximum, `${held} bytes held of ${sent()} sent, ${queued} in the kernel`);
  }

  it('a stalled upstream stops the client, and the request arrives whole after', async () => {
    const accepted = Promise.withResolvers<PeerLink>();
    script = async (link) => accepted.resolve(link);
    using client = await dial(sidecar.address, { record: false });
    await client.send(headOf('POST /x HTTP/1.1', 'Host: web', 'Transfer-Encoding: chunked'));
    const body = new EndlessBody(client);
    using server = await accepted.promise;
    server.stall();
    await checkHeld([body], () => [server]);
    body.stop();
    server.resume();
    const head = await readRequestHead(server);
    const request = await readRequestBody(server, head, patternSink());
    await body.done;
    assert.equal(request.bodyBytes, body.bodyBytes);
    assert.ok(request.bodyBytes > 0);
  });

  it('a stalled client stops the upstream, and the response arrives whole after', async () => {
    const writing = Promise.withResolvers<EndlessBody>();
    script = async (link) => {
      await readRequestHead(link);
      await link.send(ENDLESS);
      writing.resolve(new EndlessBody(link));
    };
    using client = await dial(sidecar.address, STALLING);
    await client.send(headOf('GET /x HTTP/1.1', 'Host: web'));
    client.stall();
    const body = await writing.promise;
    await checkHeld([body], () => [client]);
    body.stop();
    client.resume();
    const response = await readResponse(client, 'GET', patternSink());
    await body.done;
    assert.equal(response.bodyBytes, body.bodyBytes);
    assert.ok(response.bodyBytes > 0);
  });

  it('a client that pipelines without end is stopped while its first request waits', async () => {
    const accepted = Promise.withResolvers<PeerLink>();
    script = async (link) => accepted.resolve(link);
    using client = await dial(sidecar.address, STALLING);
    const requests = new EndlessBody(client, PIPELINED);
    using server = await accepted.promise;
    await checkHeld([requests], () => [server]);
    requests.stop();
    client.destroy();
    await requests.done;
  });

  it(`${STALLED} stalled exchanges each way leave the memory bounded and others served`, async () => {
    const rssBefore = residentBytes(sidecar.ready.pid);
    const writers: EndlessBody[] = [];
    const readers: PeerLink[] = [];
    script = async (link) => {
      const { startLine } = await readRequestHead(link);
      if (startLine.includes('/good')) {
        await link.send(headOf('HTTP/1.1 200 OK', 'Content-Length: 0'));
      } else if (startLine.startsWith('POST')) {
        link.stall();
        readers.push(link);
      } else {
        await link.send(ENDLESS);
        writers.push(new EndlessBody(link));
      }
    };
    const clients = await Promise.all(
      Array.from({ length: 2 * STALLED }, () => dial(sidecar.address, STALLING)),
    );
    try {
      for (const [index, client] of clients.entries()) {
        const posts = index % 2 === 0;
        if (posts) {
          const lines = ['Host: web', 'Transfer-Encoding: chunked'];
          await client.send(headOf('POST /x HTTP/1.1', ...lines));
          writers.push(new EndlessBody(client));
        } else {
          client.stall();
          readers.push(client);
          await client.send(headOf('GET /x HTTP/1.1', 'Host: web'));
        }
      }
      const all = 4 * STALLED;
      await eventually('all to write', () => writers.length + readers.length === all);
      await checkHeld(writers, () => readers);
      const growth = residentBytes(sidecar.ready.pid) - rssBefore;
      const maximum = 2 * STALLED * HELD_BYTES_MAX + 32 * MIB;
      assert.ok(growth <= maximum, `resident memory grew by ${growth} bytes`);
      using other = await dial(sidecar.address);
      await other.send(headOf('GET /good HTTP/1.1', 'Host: web'));
      assert.equal((await readResponse(other)).startLine, 'HTTP/1.1 200 OK');
    } finally {
      for (const writer of writers) writer.stop();
      for (const client of clients) client.destroy();
      for (const link of upstream.links) link.destroy();
      await Promise.all(writers.map(({ done }) => done));
    }
  });
});
