/** A connection of HTTP/2 at an application: streams that are served side by side. */
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import type { ConnectionParts } from './application-http1.ts';
import type { Fields, SideEvents, StreamEvents } from './http2-side-events.ts';
import { Http2Side, type SideOptions } from './http2-side.ts';
import type { Ask } from './ledger.ts';
import { Violation } from './ledger.ts';
import type { Peer } from './peer.ts';
import { type AnswerWriter, Serving } from './serving.ts';

/** One connection. */
export class ApplicationHttp2 implements SideEvents {
  readonly side: Http2Side;
  readonly parts: ConnectionParts;
  readonly #streamsMax: number;
  #full = false;

  constructor(
    parts: ConnectionParts,
    peer: Peer,
    options: Pick<SideOptions, 'sides' | 'streamsMax' | 'windowBytes'>,
  ) {
    this.parts = parts;
    this.#streamsMax = options.streamsMax;
    this.side = new Http2Side(peer, { role: 'server', ...options }, this);
  }

  get idle(): boolean {
    return this.side.streams === 0;
  }

  /** It has had a request. */
  get used(): boolean {
    return this.side.highest > 0;
  }

  /** Says goodbye; the connection ends with its last stream. */
  goodbye(): void {
    if (this.side.leaving) return;
    this.side.goaway(this.side.highest);
  }

  accept(id: number, tooMany: boolean): StreamEvents {
    this.#full = this.side.streams + 1 >= this.#streamsMax;
    if (this.#full) this.parts.crowded();
    return new ApplicationStream(this, id, tooMany);
  }

  goneAway(): void {}

  freed(): void {
    if (this.#full) this.parts.crowded();
    this.#full = false;
    if (this.side.leaving && this.idle) this.side.peer.close();
  }

  closed(_error: MeshError | undefined): void {
    this.parts.closed();
  }
}

class ApplicationStream implements StreamEvents, AnswerWriter {
  readonly name: string;
  readonly #connection: ApplicationHttp2;
  readonly #id: number;
  readonly #tooMany: boolean;
  #serving: Serving | undefined = undefined;
  #gone = false;
  #empty = false;

  constructor(connection: ApplicationHttp2, id: number, tooMany: boolean) {
    this.#connection = connection;
    this.#id = id;
    this.#tooMany = tooMany;
    this.name = `${connection.parts.name} stream ${id}`;
  }

  // ---- the request ----

  head(fields: Fields): void {
    const { parts, side } = this.#connection;
    // A request that is never whole, and that nobody counts.
    if (fields.get(':path') === '/') return;
    const ask = parts.ledger.find(fields.get('x-id'));
    const { method, mishap } = ask.plan;
    if (fields.get(':method') !== method || fields.get(':path') !== `/ask/${ask.id}`) {
      throw new Violation(`ask ${ask.id} arrives as ${fields.get(':method')}`);
    }
    if (this.#tooMany) {
      this.#gone = true;
      ask.refused();
      return side.reset(this.#id, 'REFUSED_STREAM');
    }
    if ((mishap === 'refuse' || mishap === 'goaway') && ask.refusals++ === 0) {
      this.#gone = true;
      // Those above it are lost with it, and may be sent again: all but those that are long.
      if (mishap === 'refuse') return side.reset(this.#id, 'REFUSED_STREAM');
      parts.blameNow();
      return side.goaway(Math.max(0, this.#id - 2));
    }
    this.#serving = new Serving(parts.after, ask, this);
  }

  data(bytes: Buffer): void {
    this.#serving?.data(bytes);
  }

  end(): void {
    this.#serving?.end();
  }

  lost(): void {
    this.#gone = true;
    this.#serving?.lost();
  }

  // ---- the answer ----

  get gone(): boolean {
    return this.#gone || this.#connection.side.peer.over;
  }

  answerHead(ask: Ask): void {
    const { framing, grpc, responseBytes } = ask.plan;
    const length = `${responseBytes}`;
    this.#empty = responseBytes === 0 && !grpc && ask.id % 2 === 0;
    this.#connection.side.head(
      this.#id,
      [
        [':status', '200'],
        ['x-id', `${ask.id}`],
        ...(grpc ? ([['content-type', 'application/grpc']] as const) : []),
        ...(framing === 'length' && !grpc ? ([['content-length', length]] as const) : []),
      ],
      this.#empty,
    );
  }

  answerData(bytes: Buffer): void {
    if (bytes.length > 0) this.#connection.side.write(this.#id, bytes);
  }

  answerEnd(ask: Ask): void {
    if (this.#empty) return;
    this.#connection.side.finish(this.#id, ask.plan.grpc ? [['grpc-status', '0']] : []);
  }

  reset(): void {
    this.#gone = true;
    this.#connection.side.reset(this.#id, 'INTERNAL_ERROR');
  }

  endEarly(): void {
    this.reset();
  }

  stall(stalled: boolean): void {
    this.#connection.side.stall(this.#id, stalled);
  }
}
