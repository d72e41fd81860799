/** What an HTTP/2 connection leaves to its role: http2-server.ts, http2-client.ts. */
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Http2Fault } from '../codec/http2/error-code.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Http2Stream } from './http2-stream.ts';

/** What a connection needs from its role. */
export interface Http2Role {
  readonly wheel: TimerWheel;
  /** A header block; `stream` is undefined when none of that id is open. */
  headers(
    id: number,
    stream: Http2Stream | undefined,
    block: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void;
  /** Whether the peer may have used `id`. */
  mayBe(id: number): boolean;
  settingsChanged(): void;
  /** PING was answered; its eight octets begin at `start`. */
  pingAcked(payload: Buffer, start: number): void;
  /** The peer takes no stream above `lastStream` (its own numbering is the other role's). */
  goaway(lastStream: number, code: number): void;
  /** A fault of the whole connection, whose GOAWAY follows; returns what its streams hear of. */
  fault(fault: Http2Fault): MeshError;
  /** The peer went over a limit, whatever follows from that. */
  limitHit(limit: Http2Limit): void;
  /** A frame or field block has begun and not become whole in time. As `fault`. */
  slow(sentence: string): MeshError;
  /** RST_STREAM was sent. */
  resetSent(): void;
  streamOver(stream: Http2Stream): void;
  /** No stream is open; told from time to time: what is kept for those to come may go. */
  unused(): void;
  /** Nothing came for a while although streams are open: a PING is on its way. */
  silent(): void;
  /** The link is gone; every stream has heard of it. */
  closed(error: MeshError | undefined): void;
}
