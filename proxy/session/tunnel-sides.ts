/** The two ways from a link that ends a tunnel to the exchange it goes through. */
import { BODY_TUNNEL, type RequestSink, type ResponseSink } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { FarSide } from './tunnel-end.ts';

/** A downstream link's: what it reads is the request's. */
export class DownstreamSide implements FarSide {
  readonly #exchange: RequestSink;
  readonly #closed: () => void;

  constructor(exchange: RequestSink, closed: () => void) {
    this.#exchange = exchange;
    this.#closed = closed;
  }

  // HOT: per frame.
  data(bytes: Buffer, start: number, end: number): void {
    this.#exchange.requestData(bytes, start, end);
  }

  end(): void {
    this.#exchange.requestEnd();
  }

  credit(bytes: number): void {
    this.#exchange.responseCredit(bytes);
  }

  lost(): void {
    this.#exchange.requestReset(CANCELLED);
  }

  closed(): void {
    this.#closed();
  }
}

/** An upstream link's: what it reads is the answer's. */
export class UpstreamSide implements FarSide {
  readonly #sink: ResponseSink;
  readonly #host: string;
  readonly #closed: () => void;

  /** `host`: "address:port" of the endpoint, for messages. */
  constructor(sink: ResponseSink, host: string, closed: () => void) {
    this.#sink = sink;
    this.#host = host;
    this.#closed = closed;
  }

  /** The answer that grants the tunnel. */
  grant(head: Head): void {
    this.#sink.responseHead(head, BODY_TUNNEL);
  }

  // HOT: per frame.
  data(bytes: Buffer, start: number, end: number): void {
    this.#sink.responseData(bytes, start, end);
  }

  end(): void {
    this.#sink.responseEnd();
  }

  credit(bytes: number): void {
    this.#sink.requestCredit(bytes);
  }

  lost(): void {
    const sentence = `${this.#host} reset the tunnel.`;
    this.#sink.responseReset(new MeshError('upstream-reset', 'upstream', sentence));
  }

  closed(): void {
    this.#closed();
  }
}

const CANCELLED = new MeshError('cancelled', 'downstream', 'The downstream reset the tunnel.');
