/** What an end of an HTTP/2 connection in the simulation tells, and what it knows of a stream. */
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import type { WireField } from '../support/http2-wire.ts';

/** Fields of a head or of trailers by name; of two with one name the last. */
export type Fields = ReadonlyMap<string, string>;

/** Hears what comes on one stream. */
export interface StreamEvents {
  head(fields: Fields): void;
  data(bytes: Buffer): void;
  /** The other side's message is whole. */
  end(trailers: Fields | undefined): void;
  /** RST_STREAM came, or the connection is gone, before both sides had ended. */
  lost(): void;
}

/** Hears of the connection. */
export interface SideEvents {
  /** A stream begins: what hears of it. `tooMany`: more than the peer knows are allowed. */
  accept(id: number, tooMany: boolean): StreamEvents;
  /** GOAWAY came: streams above `last` were not processed. */
  goneAway(last: number): void;
  /** A stream is over. */
  freed(): void;
  closed(error: MeshError | undefined): void;
}

/** A stream as its end of the connection has it. */
export interface SideStream {
  readonly id: number;
  readonly events: StreamEvents;
  sendWindow: number;
  receiveWindow: number;
  owed: number;
  stalled: boolean;
  headSeen: boolean;
  remoteEnded: boolean;
  localEnded: boolean;
  readonly waiting: Buffer[];
  /** Behind what waits: the end, with trailers or without. */
  ending: readonly WireField[] | undefined;
}
