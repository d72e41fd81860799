/**
 * One HTTP/2 connection to a gRPC server, and calls on it: the sessions and codecs of the data path, by
 * prior knowledge. It opens once and is lost once; whoever wants another one dials it (grpc-dial.ts).
 */
import assert from 'node:assert/strict';
import { type SocketAddress, formatSocketAddress } from '../../../base/settings.ts';
import type { TimerWheel } from '../../../base/timer-wheel.ts';
import { ownHead } from '../../codec/http1/own-head.ts';
import { readRequestTarget } from '../../codec/http1/request-target.ts';
import { BODY_LENGTH_UNKNOWN } from '../../model/exchange.ts';
import type { Head } from '../../model/head.ts';
import type { MeshError } from '../../model/mesh-error.ts';
import { Http2Client, type Http2ClientOwner } from '../../session/http2-client.ts';
import { LINK_COUNTS, type Transport } from '../../transport/link.ts';
import { PROXY_VERSION } from '../version.ts';
import { type CallEvents, GrpcCall, type StreamMethod } from './grpc-call.ts';

/** What connections are made of. */
export interface GrpcSockets {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
}

/** What the owner of a connection hears. */
export interface ConnectionEvents {
  /** Calls may be made. */
  opened(): void;
  /** It could not be opened: one sentence. Nothing after it. */
  failed(reason: string): void;
  /** The server said GOAWAY: it takes no more calls, and those there are had better be ended. */
  leaving(): void;
}

/** What a request may be for; a zone of IPv6, or a name in another script, is of no use to the server. */
const AUTHORITY = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d+$/i;
const SOME_AUTHORITY = 'localhost';

/** The connection; it is being dialled from the start. */
export class GrpcConnection implements Http2ClientOwner {
  readonly wheel: TimerWheel;
  readonly speaksHttp2 = false;
  /** A controller that has nothing to say is not stalled; heartbeats tell. */
  readonly streamsLast = true;
  readonly #authority: string;
  readonly #events: ConnectionEvents;
  readonly #session: Http2Client;
  #state: 'dialled' | 'open' | 'over' = 'dialled';

  /** `to` has an address for a host; `authority`, "host:port", is what calls are for. */
  constructor(
    { transport, wheel }: GrpcSockets,
    to: SocketAddress,
    authority: string,
    connectMs: number,
    events: ConnectionEvents,
  ) {
    this.wheel = wheel;
    this.#authority = AUTHORITY.test(authority) ? authority : SOME_AUTHORITY;
    this.#events = events;
    this.#session = new Http2Client(this, formatSocketAddress(to));
    const counts = new Float64Array(LINK_COUNTS);
    const link = transport.dial({ ...to, from: undefined, counts }, this.#session);
    this.#session.attach(link, connectMs);
  }

  /** Makes a call; undefined when the connection takes none (any more). */
  call<Request, Response>(
    method: StreamMethod<Request, Response>,
    events: CallEvents<Response>,
  ): GrpcCall<Request, Response> | undefined {
    if (this.#state !== 'open') return undefined;
    const stream = this.#session.open();
    const call = new GrpcCall(stream, method, events);
    stream.request(requestHead(method.path, this.#authority), BODY_LENGTH_UNKNOWN, call);
    return call;
  }

  /** Ends it with its last call; one that is being dialled at once, and unheard. */
  close(): void {
    const dialled = this.#state === 'dialled';
    this.#state = 'over';
    if (dialled) this.#session.giveUp();
    else this.#session.close();
  }

  // ---- from the session ----

  opened(): void {
    this.#state = 'open';
    this.#events.opened();
  }

  failed(_session: Http2Client, error: MeshError): void {
    this.#state = 'over';
    this.#events.failed(error.sentence);
  }

  retiring(session: Http2Client): void {
    const wasOpen = this.#state === 'open';
    this.#state = 'over';
    if (wasOpen && session.leaving) this.#events.leaving();
  }

  available(): void {}

  idle(): void {}

  limitHit(): void {}

  closed(): void {}
}

function requestHead(path: string, authority: string): Head {
  const text =
    `POST ${path} HTTP/1.1\r\nHost: ${authority}\r\nTE: trailers\r\n` +
    `Content-Type: application/grpc+proto\r\nUser-Agent: culvert/${PROXY_VERSION}\r\n` +
    'Grpc-Accept-Encoding: identity\r\n\r\n';
  const head = ownHead('request', Buffer.from(text, 'latin1'));
  assert.equal(readRequestTarget(head), 'ok', text);
  return head;
}
