/**
 * A raw TCP server and client for tests. A script is an async function over a link: take bytes,
 * send bytes (cut where the script says), stall, half-close, reset, wait for the other side.
 *
 *   kernel --'data'--> unread bytes --take*()--> script        more than `highWaterBytes` unread: pause
 *                      `--> received (every byte, unless record is false)
 */
import { randomInt } from 'node:crypto';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { withDeadline } from './deadline.ts';

export interface LinkOptions {
  /** Keep every received byte for `received`; default true. */
  readonly record?: boolean;
  /** Stop reading the socket while more than this waits to be taken; default no limit. */
  readonly highWaterBytes?: number;
  /** Local address to dial from. */
  readonly localAddress?: string;
}

/** Where Linux's ephemeral ports begin by default; other systems' begin above. */
const EPHEMERAL_PORT_MIN = 32_768;
const PORT_MIN = 10_240;

/** The other side ended, or reset, before the bytes that the script wanted. */
export class EndOfBytesError extends Error {
  override readonly name = 'EndOfBytesError';
}

const asBuffer = (bytes: string | Uint8Array): Uint8Array =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

/** One TCP connection as a script sees it. Text is latin1: one character is one byte. */
export class PeerLink {
  readonly socket: net.Socket;
  /** Bytes that came from the kernel so far. */
  receivedBytes = 0;
  /** The other side sent FIN, or the connection is gone. */
  ended = false;
  closed = false;
  /** The connection was reset by the other side, or failed. */
  wasReset = false;
  readonly #record: boolean;
  readonly #recorded: Buffer[] = [];
  #highWaterBytes: number;
  #stalled = false;
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #changed = Promise.withResolvers<void>();

  constructor(socket: net.Socket, options: LinkOptions = {}) {
    this.socket = socket;
    this.#record = options.record ?? true;
    this.#highWaterBytes = options.highWaterBytes ?? Number.POSITIVE_INFINITY;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#arrive(chunk));
    socket.on('end', () => this.#change(() => (this.ended = true)));
    socket.on('error', () => this.#change(() => (this.wasReset = true)));
    socket.on('close', () => this.#change(() => (this.closed = this.ended = true)));
  }

  /** Every byte received so far, taken or not. */
  get received(): Buffer {
    return Buffer.concat(this.#recorded);
  }

  /** Bytes that the script has taken so far. */
  get takenBytes(): number {
    return this.receivedBytes - this.#unreadBytes;
  }

  #arrive(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    if (this.#record) this.#recorded.push(chunk);
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#unreadBytes > this.#highWaterBytes) this.socket.pause();
    this.#change(() => {});
  }

  #change(apply: () => void): void {
    apply();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until `check` gives a value; rejects when no more can come, or after 15 s. */
  async #until<T>(what: string, check: () => T | undefined, mayEnd: boolean): Promise<T> {
    for (;;) {
      const value = check();
      if (value !== undefined) return value;
      if (this.ended && !mayEnd) {
        const how = this.wasReset ? 'reset' : 'ended';
        throw new EndOfBytesError(`the connection was ${how} before ${what}; ${this.#tail()}`);
      }
      await withDeadline(`${what}; ${this.#tail()}`, this.#changed.promise, 15_000);
    }
  }

  #tail(): string {
    const last = this.#record ? JSON.stringify(this.received.toString('latin1').slice(-300)) : '';
    return `${this.receivedBytes} bytes came, last ${last}`;
  }

  #consume(size: number): Buffer {
    const all = this.#unread.length === 1 ? this.#unread[0]! : Buffer.concat(this.#unread);
    const rest = all.subarray(size);
    this.#unread = rest.length > 0 ? [rest] : [];
    this.#unreadBytes = rest.length;
    if (!this.#stalled && this.#unreadBytes <= this.#highWaterBytes) this.socket.resume();
    return all.subarray(0, size);
  }

  #peek(): Buffer {
    if (this.#unread.length > 1) this.#unread = [Buffer.concat(this.#unread)];
    return this.#unread[0] ?? Buffer.alloc(0);
  }

  /** The next bytes, at least 1 and at most `sizeMax`; undefined after FIN. */
  async takeSome(sizeMax = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    const state = await this.#until(
      'some bytes',
      () => (this.#unreadBytes > 0 ? 'bytes' : this.ended ? 'end' : undefined),
      true,
    );
    if (state === 'end' && this.wasReset) throw new EndOfBytesError('the connection was reset');
    return state === 'end' ? undefined : this.#consume(Math.min(sizeMax, this.#unreadBytes));
  }

  /** Exactly `size` bytes. */
  async take(size: number): Promise<Buffer> {
    await this.#until(`${size} bytes`, () => this.#unreadBytes >= size || undefined, false);
    return this.#consume(size);
  }

  /** The bytes up to and with the next LF, at most `sizeMax` of them. */
  async takeLine(sizeMax = 1_000_000): Promise<Buffer> {
    const find = (): number | undefined => {
      const at = this.#peek().indexOf(0x0a);
      return at >= 0 ? at + 1 : this.#unreadBytes >= sizeMax ? sizeMax : undefined;
    };
    return this.#consume(await this.#until('a whole line', find, false));
  }

  /** Waits until `text` stands among the bytes received so far; takes nothing. */
  async arrived(text: string): Promise<void> {
    const check = () => this.received.includes(text, 0, 'latin1') || undefined;
    await this.#until(JSON.stringify(text), check, false);
  }

  /** Everything until FIN or reset, with what was received before. */
  async untilEnded(): Promise<Buffer> {
    await this.#until('the end of the connection', () => this.ended || undefined, true);
    return this.received;
  }

  /** Resolves true once the kernel took every byte, false when the connection is gone. */
  send(bytes: string | Uint8Array): Promise<boolean> {
    if (this.closed || this.socket.destroyed) return Promise.resolve(false);
    const sent = Promise.withResolvers<boolean>();
    const lost = () => sent.resolve(false);
    this.socket.once('close', lost);
    this.socket.write(asBuffer(bytes), (error) => {
      this.socket.off('close', lost);
      sent.resolve(error === null || error === undefined);
    });
    return sent.promise;
  }

  /** Sends `bytes` in pieces that end at `offsets` (ascending), one event-loop turn apart. */
  async sendCut(bytes: string | Uint8Array, offsets: Iterable<number>): Promise<boolean> {
    const all = asBuffer(bytes);
    let from = 0;
    for (const offset of [...offsets, all.length]) {
      if (offset > from && !(await this.send(all.subarray(from, offset)))) return false;
      from = Math.max(from, offset);
      await turn();
    }
    return true;
  }

  /** Stops reading: the kernel's buffers fill, then the other side cannot write. */
  stall(): void {
    this.#stalled = true;
    this.socket.pause();
  }

  resume(): void {
    this.#stalled = false;
    this.socket.resume();
  }

  /** Sends FIN and goes on reading. */
  halfClose(): void {
    this.socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Dials 127.0.0.1:`port` (or `host`) and resolves once connected. */
export async function dial(address: number | string, options: LinkOptions = {}): Promise<PeerLink> {
  const [host, port] = typeof address === 'number' ? ['127.0.0.1', address] : splitAddress(address);
  const { localAddress } = options;
  const socket = net.connect({
    host,
    port,
    allowHalfOpen: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const connected = Promise.withResolvers<void>();
  socket.once('connect', connected.resolve);
  socket.once('error', connected.reject);
  await withDeadline(`a connection to ${host}:${port}`, connected.promise);
  return new PeerLink(socket, options);
}

/** "127.0.0.1:80" as host and port. */
export function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replaceAll(/[[\]]/g, ''), Number(address.slice(colon + 1))];
}

/** Connections that wait to be accepted: Node's 511 are too few for a burst. */
const BACKLOG = 4096;

/** Where a server listens, and what it keeps. */
export interface ServerOptions {
  readonly port?: number;
  readonly host?: string;
  /** Forget links that have closed: for more of them than memory is for. Default false. */
  readonly forgetsClosed?: boolean;
}

/** A TCP server whose every link follows one script. */
export class PeerServer {
  readonly links: PeerLink[] = [];
  /** What scripts threw, apart from the other side's end. */
  readonly failures: unknown[] = [];
  readonly #server: net.Server;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /** Listens on 127.0.0.1, port 0, unless given; `script` runs once a connection. */
  static async listen(
    script: (link: PeerLink) => unknown,
    options: LinkOptions & ServerOptions = {},
  ): Promise<PeerServer> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    const peer = new PeerServer(server);
    server.on('connection', (socket) => {
      const link = new PeerLink(socket, options);
      peer.links.push(link);
      if (options.forgetsClosed === true) {
        socket.once('close', () => peer.links.splice(peer.links.indexOf(link), 1));
      }
      void peer.#run(script, link);
    });
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    const { port = 0, host = '127.0.0.1' } = options;
    server.listen({ port, host, backlog: BACKLOG }, listening.resolve);
    await listening.promise;
    return peer;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return address.port;
  }

  get openLinks(): PeerLink[] {
    return this.links.filter((link) => !link.closed);
  }

  async #run(script: (link: PeerLink) => unknown, link: PeerLink): Promise<void> {
    try {
      await script(link);
    } catch (error) {
      if (!(error instanceof EndOfBytesError)) this.failures.push(error);
    }
  }

  /** Stops listening; open links stay. */
  refuse(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    for (const link of this.links) link.destroy();
    await withDeadline('the scripted server to close', closed.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * A port of `host` that nothing listens on, as far as one can know. None that the kernel gives to
 * whoever dials or listens on port 0: others do that all the time.
 */
export async function unusedPort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(PORT_MIN, EPHEMERAL_PORT_MIN);
    const server = await listenOn(port, host);
    if (server === undefined) continue;
    await server.close();
    return port;
  }
}

async function listenOn(port: number, host: string): Promise<PeerServer | undefined> {
  try {
    return await PeerServer.listen(() => {}, { host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return undefined;
  }
}
