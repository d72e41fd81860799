/**
 * Node's own HTTP/2, for tests and proofs: a server in this process, a client connection, one call.
 * Cleartext with prior knowledge; addresses are of 127.0.0.1.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { withDeadline } from './deadline.ts';

/** Above what Node takes by itself: tests hold many streams. */
const MEMORY_MB = 2_000;

/** Answers one stream. */
export type Http2Answer = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
) => void;

/** A server and all its connections. */
export class NodeHttp2Server implements AsyncDisposable {
  /** Those that are open. */
  readonly sessions = new Set<http2.ServerHttp2Session>();
  /** How many there were. */
  opened = 0;
  /** Requests that came, and those whose streams are open. */
  requests = 0;
  openStreams = 0;
  /** Codes of the streams that the other side reset. */
  readonly resets: number[] = [];
  readonly #server: http2.Http2Server;

  private constructor(answer: Http2Answer, options: http2.ServerOptions) {
    this.#server = http2.createServer({ maxSessionMemory: MEMORY_MB, ...options });
    this.#server.on('session', (session) => this.#take(session));
    this.#server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
      this.requests++;
      this.openStreams++;
      stream.on('error', () => undefined);
      stream.once('close', () => {
        this.openStreams--;
        if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) this.resets.push(stream.rstCode);
      });
      answer(stream, headers);
    });
  }

  /** Listens on a port of its own. */
  static async listen(
    answer: Http2Answer,
    options: http2.ServerOptions = {},
  ): Promise<NodeHttp2Server> {
    const server = new NodeHttp2Server(answer, options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #take(session: http2.ServerHttp2Session): void {
    this.opened++;
    this.sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => this.sessions.delete(session));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.sessions) session.destroy();
    await withDeadline('an HTTP/2 server to close', closed);
  }
}

/** A connection to `address` ("127.0.0.1:4143"), once the other side's SETTINGS came. */
export async function connectHttp2(
  address: string,
  options: http2.ClientSessionOptions = {},
): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`http://${address}`, { maxSessionMemory: MEMORY_MB, ...options });
  await withDeadline(`HTTP/2 with ${address}`, once(session, 'remoteSettings'));
  session.on('error', () => undefined);
  return session;
}

/** What a call sends. */
export interface Http2Call {
  readonly path?: string;
  readonly body?: string | Buffer;
  readonly headers?: http2.OutgoingHttpHeaders;
  readonly trailers?: http2.OutgoingHttpHeaders;
}

/** What came of it. */
export interface Http2Reply {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  /** Statuses of the interim answers. */
  readonly interim: readonly number[];
  readonly body: Buffer;
  readonly trailers: http2.IncomingHttpHeaders;
}

/** One call from its first byte to its last; rejects when its stream is reset. */
export async function callHttp2(
  session: http2.ClientHttp2Session,
  { body, headers = {}, path = '/', trailers }: Http2Call = {},
): Promise<Http2Reply> {
  const method = body === undefined ? 'GET' : 'POST';
  const ends = body === undefined && trailers === undefined;
  const stream = session.request(
    { ':authority': 'web', ':method': method, ':path': path, ...headers },
    { endStream: ends, waitForTrailers: trailers !== undefined },
  );
  if (trailers !== undefined) stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  if (!ends) stream.end(body);
  return replyOf(stream);
}

/** The whole answer on a stream; rejects when it is reset, or comes to no end in 20 s. */
export async function replyOf(stream: http2.ClientHttp2Stream): Promise<Http2Reply> {
  const interim: number[] = [];
  const chunks: Buffer[] = [];
  let head: http2.IncomingHttpHeaders = {};
  let tail: http2.IncomingHttpHeaders = {};
  const done = Promise.withResolvers<void>();
  stream.on('headers', (one) => interim.push(one[':status'] ?? 0));
  stream.once('response', (one) => (head = one));
  stream.once('trailers', (one) => (tail = one));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.once('error', done.reject);
  stream.once('close', () => {
    if (head[':status'] === undefined) done.reject(new Error(`no answer: ${stream.rstCode}`));
    else done.resolve();
  });
  await withDeadline('the answer to a call', done.promise, 20_000);
  return {
    status: Number(head[':status'] ?? 0),
    headers: head,
    interim,
    body: Buffer.concat(chunks),
    trailers: tail,
  };
}
