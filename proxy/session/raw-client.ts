/**
 * A raw connection as the upstream of a CONNECT: whoever is there need not speak HTTP. It grants the
 * tunnel as soon as the request is whole; what it says before that waits.
 */
import type { TimerWheel } from '../../base/timer-wheel.ts';
import { HEAD_DONE, HeadParser } from '../codec/http1/head-parser.ts';
import type { ResponseSink, UpstreamStream } from '../model/exchange.ts';
import { Head, TUNNEL_CONNECT } from '../model/head.ts';
import type { Link } from '../transport/link.ts';
import { TunnelEnd } from './tunnel-end.ts';
import { UpstreamSide } from './tunnel-sides.ts';

/** One connection, for one exchange. */
export class RawClient implements UpstreamStream {
  readonly protocol = 'opaque';
  readonly served = 0;
  readonly #wheel: TimerWheel;
  readonly #link: Link;
  readonly #host: string;
  readonly #closed: () => void;
  #side: UpstreamSide | undefined = undefined;
  #tunnel: TunnelEnd | undefined = undefined;
  #granted = false;

  /** `link` is open; `host`: "address:port" of the endpoint; `closed` hears once that it is gone. */
  constructor(wheel: TimerWheel, link: Link, host: string, closed: () => void) {
    this.#wheel = wheel;
    this.#link = link;
    this.#host = host;
    this.#closed = closed;
  }

  request(_head: Head, _body: number, sink: ResponseSink): void {
    this.#side = new UpstreamSide(sink, this.#host, this.#closed);
    this.#tunnel = new TunnelEnd(this.#wheel, this.#link, this.#side);
    this.#link.events = this.#tunnel;
    this.#link.pause();
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.#tunnel?.write(bytes, start, end);
  }

  requestTrailers(): void {}

  requestEnd(): void {
    if (this.#granted) return this.#tunnel?.end();
    this.#granted = true;
    this.#link.resume();
    this.#side?.grant(GRANT);
  }

  requestReset(): void {
    this.#tunnel?.reset();
  }

  responseCredit(bytes: number): void {
    this.#tunnel?.credit(bytes);
  }

  /** Nobody needs it. */
  close(): void {
    this.#link.close();
    this.#closed();
  }
}

const GRANT = grantHead();

function grantHead(): Head {
  const text = Buffer.from('HTTP/1.1 200 OK\r\n\r\n', 'latin1');
  const limits = { headBytesMax: text.length + 1, fieldCountMax: 0, targetBytesMax: 0 };
  const parser = new HeadParser(new Head(), limits);
  parser.start('response');
  if (parser.parse(text, 0, text.length) !== HEAD_DONE) throw new Error('our own head is none');
  parser.head.tunnel = TUNNEL_CONNECT;
  return parser.head;
}
