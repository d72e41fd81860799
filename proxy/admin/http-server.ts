/**
 * A small HTTP/1.1 server on the proxy's own codec for the main thread: `node:http` costs 12 MB.
 * Requests are whole (bodies to 4 KiB), answers are strings.
 */
import type { SocketAddress } from '../../base/settings.ts';
import { ownHead } from '../codec/http1/own-head.ts';
import { limits } from '../limits.ts';
import type { RequestSink, ResponseSink } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import { Http1Server } from '../session/http1-server.ts';
import { LINK_COUNTS, type Link, type Listener, NOBODY } from '../transport/link.ts';
import { type MainSockets, mainSockets } from '../transport/main-sockets.ts';
import type { Turn } from '../transport/turn.ts';
import { AdminLinks } from './admin-links.ts';

/** One whole request to an admin endpoint. */
export interface AdminRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** The client is on this machine's loopback. */
  readonly loopback: boolean;
}

/** Its whole answer; the body is UTF-8. */
export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Answers a request; what it throws becomes a 500 with the message. */
export type AdminHandler = (request: AdminRequest) => AdminResponse | Promise<AdminResponse>;

const BODY_BYTES_MAX = 4096;
/** Below 5 s, the shortest usual interval of scrapes: it never crosses the next request. */
const IDLE_MS = 3_000;
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/**
 * Serves `handler` on `address`; rejects with the system's error when it cannot be had. With
 * limits.adminLinksMax connections, the one that has waited longest ends for a newcomer; only when
 * all are being answered the newcomer is reset. `idleMs` without a request end a connection.
 */
export async function serveAdmin(
  address: SocketAddress,
  handler: AdminHandler,
  { turn, transport, wheel }: MainSockets = mainSockets(),
  idleMs = IDLE_MS,
): Promise<Listener> {
  const links = new AdminLinks(limits.adminLinksMax);
  return transport.listen(address, new Float64Array(LINK_COUNTS), (link) => {
    if (!links.admit(link)) {
      link.reset();
      return NOBODY;
    }
    const from = { links, link, loopback: isLoopback(link) };
    return new Http1Server(
      {
        wheel,
        local: true,
        idleMs,
        goodbye: () => false,
        refused: () => undefined,
        limitHit: () => undefined,
        closed: () => links.closed(link),
        open: (downstream, head) => new AdminExchange(downstream, head, from, turn, handler),
      },
      link,
    );
  });
}

/** Where a request came in. */
interface AdminOrigin {
  readonly links: AdminLinks;
  readonly link: Link;
  readonly loopback: boolean;
}

const isLoopback = (link: Link): boolean => /^(?:::ffff:)?127\.|^::1:/.test(link.peer.remote);

class AdminExchange implements RequestSink {
  readonly #downstream: ResponseSink;
  readonly #request: Omit<AdminRequest, 'body'>;
  readonly #from: AdminOrigin;
  readonly #turn: Turn;
  readonly #handler: AdminHandler;
  #body = '';
  #ended = false;
  #gone = false;

  constructor(
    downstream: ResponseSink,
    head: Head,
    from: AdminOrigin,
    turn: Turn,
    handler: AdminHandler,
  ) {
    const [path, query] = head.path().split('?', 2);
    this.#downstream = downstream;
    this.#from = from;
    this.#turn = turn;
    this.#handler = handler;
    this.#request = {
      method: head.method(),
      path: path ?? '/',
      query: new URLSearchParams(query),
      loopback: from.loopback,
    };
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.#body += bytes.toString('utf8', start, end);
    this.#downstream.requestCredit(end - start);
    if (this.#body.length > BODY_BYTES_MAX && !this.#ended) {
      this.#ended = true;
      this.#answer({ status: 413, contentType: 'text/plain', body: 'The body is too large.\n' });
      this.#downstream.requestUnwanted();
    }
  }

  requestTrailers(): void {}

  requestEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#from.links.answering(this.#from.link);
    Promise.resolve({ ...this.#request, body: this.#body })
      .then(this.#handler)
      .catch((error: unknown) => ({
        status: 500,
        contentType: 'text/plain',
        body: `${error instanceof Error ? error.message : String(error)}\n`,
      }))
      .then((response) => this.#turn.run(() => this.#answer(response)))
      .catch(() => undefined);
  }

  requestReset(): void {
    this.#gone = true;
    this.#from.links.answered(this.#from.link);
  }

  responseCredit(): void {}

  #answer({ status, contentType, body }: AdminResponse): void {
    if (this.#gone) return;
    // First: the end of the answer may begin the next request.
    this.#from.links.answered(this.#from.link);
    const bytes = Buffer.from(body);
    const text =
      `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${bytes.length}\r\n\r\n`;
    const head = ownHead('response', Buffer.from(text, 'latin1'));
    this.#downstream.responseHead(head, bytes.length);
    if (this.#request.method !== 'HEAD') this.#downstream.responseData(bytes, 0, bytes.length);
    this.#downstream.responseEnd();
  }
}
