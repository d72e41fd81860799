/** A client's connection of HTTP/2: a stream a request. */
import type { WireField } from '../support/http2-wire.ts';
import type { ClientParts } from './client-http1.ts';
import type { Fields, SideEvents, StreamEvents } from './http2-side-events.ts';
import { Http2Side, type SideOptions } from './http2-side.ts';
import { type Ask, requestBody } from './ledger.ts';
import type { Peer } from './peer.ts';
import { inPieces } from './serving.ts';

function fieldsOf(ask: Ask, authority: string): WireField[] {
  const { grpc, grpcTimeoutMs, method, requestBytes, requestChunked } = ask.plan;
  const fields: WireField[] = [
    [':method', method],
    [':scheme', 'http'],
    [':path', `/ask/${ask.id}`],
    [':authority', authority],
    ['x-id', `${ask.id}`],
  ];
  if (grpc) fields.push(['content-type', 'application/grpc'], ['te', 'trailers']);
  else if (method !== 'GET' && !requestChunked) fields.push(['content-length', `${requestBytes}`]);
  if (grpcTimeoutMs !== undefined) fields.push(['grpc-timeout', `${grpcTimeoutMs}m`]);
  return fields;
}

/** One connection. */
export class ClientHttp2 implements SideEvents {
  readonly side: Http2Side;
  readonly #parts: ClientParts;
  readonly #streams = new Map<number, ClientStream>();

  constructor(parts: ClientParts, peer: Peer, options: Pick<SideOptions, 'sides' | 'windowBytes'>) {
    this.#parts = parts;
    this.side = new Http2Side(peer, { role: 'client', streamsMax: 0, ...options }, this);
  }

  get usable(): boolean {
    return this.side.usable;
  }

  /** In order, when nothing is under way. */
  closeIfIdle(): void {
    if (this.side.streams > 0 || this.side.peer.over) return;
    this.side.leaving = true;
    this.side.peer.close();
  }

  ask(ask: Ask, authority: string): void {
    const { cancelAfterMs, method, requestBytes, requestGapMs, requestPieces } = ask.plan;
    const { after } = this.#parts;
    const { side } = this;
    const stream = new ClientStream(this, ask, after);
    ask.sentOn(side.peer.link);
    const bodiless = method === 'GET' || (requestBytes === 0 && ask.id % 2 === 0);
    const id = side.open(fieldsOf(ask, authority), bodiless, stream);
    stream.id = id;
    this.#streams.set(id, stream);
    if (cancelAfterMs !== undefined) {
      after(cancelAfterMs, () => {
        if (!ask.open || stream.over) return;
        ask.cancel();
        side.reset(id, 'CANCEL');
      });
    }
    if (bodiless) return;
    const body = {
      id: requestBody(ask.id),
      bytes: requestBytes,
      pieces: requestPieces,
      gapMs: requestGapMs,
    };
    const write = (piece: Buffer): boolean => {
      // An answer that came early does not end the request.
      if (stream.gone || side.peer.over) return false;
      if (piece.length > 0) side.write(id, piece);
      return true;
    };
    inPieces(after, body, write, () => side.finish(id));
  }

  accept(): StreamEvents {
    throw new Error('nobody opens streams to a client');
  }

  /** Those above `last` go again. */
  goneAway(last: number): void {
    for (const [id, stream] of this.#streams) {
      if (id <= last || stream.over || !stream.ask.open) continue;
      stream.over = true;
      this.#streams.delete(id);
      if (stream.ask.renewed) stream.ask.cut();
      else {
        stream.ask.renewed = true;
        this.#parts.again(stream.ask);
      }
    }
    this.freed();
  }

  freed(): void {
    for (const [id, stream] of this.#streams) if (stream.over) this.#streams.delete(id);
    if (this.side.streams > 0) return;
    if (this.side.leaving) this.side.peer.close();
    else this.#parts.freed();
  }

  closed(): void {
    this.#parts.closed();
  }
}

class ClientStream implements StreamEvents {
  readonly ask: Ask;
  id = 0;
  /** Its answer is whole, or will not come. */
  over = false;
  /** The stream is no more. */
  gone = false;
  readonly #connection: ClientHttp2;
  readonly #after: ClientParts['after'];

  constructor(connection: ClientHttp2, ask: Ask, after: ClientParts['after']) {
    this.#connection = connection;
    this.ask = ask;
    this.#after = after;
  }

  head(fields: Fields): void {
    this.ask.head(Number(fields.get(':status')), fields);
    const { clientStallMs } = this.ask.plan;
    if (clientStallMs === 0) return;
    this.#connection.side.stall(this.id, true);
    this.#after(clientStallMs, () => this.#connection.side.stall(this.id, false));
  }

  data(bytes: Buffer): void {
    this.ask.data(bytes);
  }

  end(trailers: Fields | undefined): void {
    this.over = true;
    this.ask.end(trailers);
  }

  lost(): void {
    this.gone = true;
    this.over = true;
    this.ask.cut();
  }
}
