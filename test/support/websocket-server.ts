/**
 * A WebSocket server for tests (RFC 6455), as small as may be: it sends back every message, answers PING
 * and the closing handshake. Its client must mask, and its frames are whole messages or parts of one.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { withDeadline } from './deadline.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FIN = 0x80;
const OPCODE = 0x0f;
const MASKED = 0x80;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  /** Bytes that it took. */
  readonly size: number;
}

/** The frame at the beginning of `bytes`, unmasked; undefined while it is not whole. */
function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  if ((bytes[1]! & MASKED) === 0) throw new Error('a client that does not mask');
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return undefined;
  const length =
    lengthBytes === 0
      ? short
      : bytes.readUIntBE(lengthBytes === 8 ? 4 : 2, lengthBytes === 8 ? 6 : 2);
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + length));
  for (let i = 0; i < length; i++) payload[i]! ^= mask[i % 4]!;
  return { first: bytes[0]!, payload, size: start + length };
}

function frameOf(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeUIntBE(length, 4, 6);
  return Buffer.concat([head, payload]);
}

function serve(socket: Duplex, begun: Buffer): void {
  let unread = begun;
  const read = (): void => {
    for (let frame = readFrame(unread); frame !== undefined; frame = readFrame(unread)) {
      unread = unread.subarray(frame.size);
      const opcode = frame.first & OPCODE;
      const first = opcode === PING ? FIN | PONG : frame.first;
      socket.write(frameOf(first, frame.payload));
      if (opcode === CLOSE) socket.end();
    }
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    read();
  });
  socket.on('end', () => socket.end());
  read();
}

/** Listens until it is disposed of. */
export class WebSocketServer implements AsyncDisposable {
  /** Subprotocols that were asked for, and targets. */
  readonly asked: string[] = [];
  readonly #server = http.createServer();
  readonly #sockets = new Set<Duplex>();

  static async listen(): Promise<WebSocketServer> {
    const server = new WebSocketServer();
    server.#server.on('upgrade', (request, socket, head) => server.#accept(request, socket, head));
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #accept({ headers, url }: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const subprotocol = headers['sec-websocket-protocol'];
    this.asked.push(`${url} ${subprotocol ?? '-'} ${headers['sec-websocket-version']}`);
    const accept = createHash('sha1')
      .update(`${headers['sec-websocket-key']}${GUID}`)
      .digest('base64');
    const chosen =
      subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol.split(',')[0]}\r\n`;
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n${chosen}\r\n`,
    );
    serve(socket, head);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await withDeadline('a WebSocket server to close', closed);
  }
}
