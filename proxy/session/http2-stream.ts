/**
 * One stream of an HTTP/2 connection (RFC 9113 section 5.1), the same in both roles.
 *
 *                            ┌──────┐ ─ we send END_STREAM ──> half-closed (local) ─ received ─┐
 *   idle ─ HEADERS ────────> │ open │                                                         ├─> closed
 *   (not there yet)          └──────┘ ─ END_STREAM received ─> half-closed (remote) ─ we send ─┘
 *                                │
 *                                └─ RST_STREAM, sent or received, in any state ───────────────────> closed
 *
 *   localEnded   END_STREAM is among the bytes that leave: nothing more is sent
 *   remoteEnded  END_STREAM came: DATA and HEADERS are STREAM_CLOSED now
 *   over         closed: the connection has forgotten it, frames for it are http2-closed-streams.ts's;
 *                the object may be another stream of the connection soon
 */
import type { Http2Fault } from '../codec/http2/error-code.ts';
import type { Head } from '../model/head.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { HeldBytes } from './held-bytes.ts';

/** A message without a content-length: DATA ends it. */
export const LENGTH_UNKNOWN = -1;
/**
 * Streams that are over, of which a connection keeps so many for those to come: a third of a KiB each. One
 * read may end all streams of an upstream connection before the next begins.
 */
export const FREE_STREAMS_MAX = 256;
/** In place of the code of a reset: there is to be none. */
export const RESETS_NOT = -1;

/**
 * Hears what the peer does to a stream; after `end` of both sides or any `reset` nothing more, but
 * `streamSent` of the last data, which comes behind the end that leaves with it.
 */
export interface StreamEvents {
  /** HOT: per frame. The view is lent for the call. */
  streamData(bytes: Buffer, start: number, end: number): void;
  streamTrailers(trailers: Head): void;
  streamEnd(): void;
  /** RST_STREAM came. */
  streamReset(code: number): void;
  /** The peer broke the protocol on this stream; RST_STREAM was sent. */
  streamFault(fault: Http2Fault): void;
  /** The connection is gone, or says that it will not process this stream. */
  streamLost(error: MeshError): void;
  /** HOT: per frame. `bytes` that waited for the peer's window have left. */
  streamSent(bytes: number): void;
  /** Nothing moved for timeouts.streamIdleMs. */
  streamStalled(): void;
  // HOT: per exchange. The connection has forgotten it, and does not touch it any more in this call.
  streamForgotten(): void;
}

/**
 * State and both windows; the connection reads and writes it. Its owner, who hears its events, may use
 * it again for another stream of the same connection: `begin`.
 */
export class Http2Stream {
  id = 0;
  readonly events: StreamEvents;
  /** Bytes of DATA the peer lets us send (RFC 9113 6.9); below 0 after its SETTINGS shrank it. */
  sendWindow = 0;
  /** Bytes of DATA we still let the peer send. */
  receiveWindow = 0;
  /** Credit that a WINDOW_UPDATE will return. */
  owed = 0;
  /** The peer's message has had its head: what follows is DATA or trailers. */
  headSeen = false;
  remoteEnded = false;
  localEnded = false;
  over = false;
  /** Content-length not yet come, or LENGTH_UNKNOWN. */
  remaining = LENGTH_UNKNOWN;
  /** DATA that waits for a window or for the link; most streams never have any. */
  waiting: HeldBytes | undefined = undefined;
  /** Behind `waiting`: the end, and trailers before it. */
  ending = false;
  trailers: Head | undefined = undefined;
  /** Once our side has ended, RST_STREAM with this code: the rest of the peer's is not wanted. */
  resetBehindEnd: number = RESETS_NOT;
  /** In the output's queue of streams that could send, and its neighbours there. */
  queued = false;
  next: Http2Stream | undefined = undefined;
  previous: Http2Stream | undefined = undefined;
  /** Behind it in the connection's table of open streams. */
  chained: Http2Stream | undefined = undefined;
  /** Its messages are of HTTP/1 (codec/http2/orig-proto.ts). */
  carriesHttp1 = false;
  /** What we send has a body, and be it empty: END_STREAM stands on no head. */
  bodyFollows = false;
  /** It is half of a tunnel, which may be silent for as long as it likes. */
  tunnels = false;
  /** Something came or left since the connection last looked. */
  moved = true;

  constructor(events: StreamEvents) {
    this.events = events;
  }

  /** Both sides have ended it in order: nothing is lost, and nobody was told of an error. */
  get endedInOrder(): boolean {
    return this.over && this.localEnded && this.remoteEnded;
  }

  // HOT: per exchange. A stream begins; the one that this was before is over, in no queue and no table.
  begin(id: number, sendWindow: number, receiveWindow: number): void {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.owed = 0;
    this.headSeen = false;
    this.remoteEnded = false;
    this.localEnded = false;
    this.over = false;
    this.remaining = LENGTH_UNKNOWN;
    this.ending = false;
    this.resetBehindEnd = RESETS_NOT;
    this.carriesHttp1 = false;
    this.bodyFollows = false;
    this.tunnels = false;
    this.moved = true;
  }
}
