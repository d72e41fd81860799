/**
 * One application on Node's own servers, in either protocol: what it serves and how is the same.
 *
 *   /sum       the number of bytes, their hash and the trailers of the request, as JSON
 *   /echo      the body, once it is whole, with its length       /pipe   the body, as it comes
 *   /trailers  "with trailers" and the trailer x-sum             /hints  103 before the answer
 *   /none      204                                               /cut    breaks in the middle
 *   /events    an event for each call of `tell`, until `close`
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** A request, as both servers give it. */
interface Ask extends Readable {
  readonly url: string;
  readonly method: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

/** Its answer. */
interface Answer extends Writable {
  writeHead(status: number, fields?: Readonly<Record<string, string>>): unknown;
  writeEarlyHints(fields: Readonly<Record<string, string>>): void;
  addTrailers(fields: Readonly<Record<string, string>>): void;
}

/** What a request carried, as /sum says it. */
export interface Summed {
  readonly bytes: number;
  readonly sha256: string;
  readonly trailer: string | undefined;
}

/** Hash of a body. */
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export class NodeApplication implements AsyncDisposable {
  /** HTTP versions and methods of the requests that came, as "2.0 GET". */
  readonly asked: string[] = [];
  /** Listeners to /events that are there. */
  readonly listeners = new Set<Answer>();
  readonly #server: http.Server | http2.Http2Server;
  readonly #close: () => void;

  private constructor(protocol: 'http1' | 'http2') {
    const handle = (ask: unknown, answer: unknown): void =>
      void this.#answer(ask as Ask, answer as Answer).catch(() => undefined);
    if (protocol === 'http1') {
      const server = http.createServer(handle);
      this.#server = server;
      this.#close = () => server.closeAllConnections();
    } else {
      const server = http2.createServer(handle);
      const sessions = new Set<http2.ServerHttp2Session>();
      server.on('session', (session) => {
        sessions.add(session);
        session.once('close', () => sessions.delete(session));
      });
      this.#server = server;
      this.#close = () => sessions.forEach((session) => session.destroy());
    }
  }

  /** Listens on a port of its own. */
  static async listen(protocol: 'http1' | 'http2'): Promise<NodeApplication> {
    const application = new NodeApplication(protocol);
    application.#server.listen(0, '127.0.0.1');
    await once(application.#server, 'listening');
    return application;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** An event for everyone who listens. */
  tell(event: string): void {
    for (const answer of this.listeners) answer.write(`data: ${event}\n\n`);
  }

  /** The end of all events. */
  hangUp(): void {
    for (const answer of this.listeners) answer.end();
  }

  /** In the middle of their answers; what has been written may be lost unless it has been read. */
  cut(): void {
    for (const answer of this.listeners) answer.destroy(new Error('of the test'));
  }

  async #answer(ask: Ask, answer: Answer): Promise<void> {
    this.asked.push(`${ask.httpVersion} ${ask.method}`);
    ask.on('error', () => undefined);
    answer.on('error', () => undefined);
    switch (ask.url) {
      case '/pipe':
        answer.writeHead(200);
        ask.pipe(answer);
        return;
      case '/events':
        this.listeners.add(answer);
        answer.once('close', () => this.listeners.delete(answer));
        answer.writeHead(200, { 'content-type': 'text/event-stream' });
        answer.write('data: hello\n\n');
        return;
      case '/cut':
        this.listeners.add(answer);
        answer.once('close', () => this.listeners.delete(answer));
        answer.writeHead(200);
        answer.write('begun');
        return;
      default:
        return this.#answerWhole(ask, answer, await bodyOf(ask));
    }
  }

  #answerWhole(ask: Ask, answer: Answer, body: Buffer): void {
    switch (ask.url) {
      case '/sum': {
        const trailer = ask.trailers['x-sum'];
        const summed: Summed = { bytes: body.length, sha256: sha256(body), trailer };
        answer.writeHead(200, { 'content-type': 'application/json' });
        answer.end(JSON.stringify(summed));
        return;
      }
      case '/trailers':
        answer.writeHead(200, { trailer: 'x-sum' });
        answer.write('with trailers');
        answer.addTrailers({ 'x-sum': 'of the body' });
        answer.end();
        return;
      case '/hints':
        answer.writeEarlyHints({ link: '</style.css>; rel=preload' });
        answer.writeHead(200);
        answer.end('at last');
        return;
      case '/none':
        answer.writeHead(204);
        answer.end();
        return;
      default:
        answer.writeHead(200, { 'content-length': String(body.length) });
        answer.end(ask.method === 'HEAD' ? undefined : body);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#close();
    await closed;
  }
}

async function bodyOf(ask: Ask): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of ask) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
