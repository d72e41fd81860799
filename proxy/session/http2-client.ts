/**
 * HTTP/2 towards an upstream (RFC 9113): many attempts at a time on a pooled link.
 *
 *   dialled ─> preface, SETTINGS ─ its SETTINGS ─> OPEN ─ GOAWAY, resets, last id ─> RETIRING
 *      └──────────────┴─ failed: nothing was asked                  no stream ─> closed ─┘
 *
 * No request leaves before the server's SETTINGS have come: a connection that the system took and no
 * server did, as one whose listener closes, ends unheard, and then nobody could tell whether what
 * had left on it was processed.
 *
 *   capacity = min(the peer's MAX_CONCURRENT_STREAMS, ours, resets left) - open streams; 0 when
 *              retiring, while a PING is not answered, and from unreadBytesMax unsent bytes on until
 *              half of them have left: heads have no window
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { type Http2Fault, NO_ERROR } from '../codec/http2/error-code.ts';
import { STREAM_ID_MAX } from '../codec/http2/frame.ts';
import { CLIENT_PREFACE } from '../codec/http2/preface.ts';
import { ownSettings } from '../codec/http2/settings.ts';
import { limits, timeouts } from '../limits.ts';
import type { UpstreamStream } from '../model/exchange.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { Http2ClientStream, type StreamOwner } from './http2-client-stream.ts';
import { Http2Connection } from './http2-connection.ts';
import { WINDOW_BYTES_START } from './http2-output.ts';
import { Http2ResetBudget } from './http2-reset-budget.ts';
import type { Http2Role } from './http2-role.ts';
import { FREE_STREAMS_MAX, type Http2Stream } from './http2-stream.ts';

/** What a client session needs from the pool that owns it. */
export interface Http2ClientOwner {
  readonly wheel: TimerWheel;
  /** Another connection to the same server was opened: it does speak HTTP/2. */
  readonly speaksHttp2: boolean;
  /** Its streams may be silent for as long as they like: somebody else sees to it that they live. */
  readonly streamsLast: boolean;
  /** The server has said its SETTINGS: streams may be opened. */
  opened(session: Http2Client): void;
  /** The connection could not be made. */
  failed(session: Http2Client, error: MeshError): void;
  /** Capacity grew from 0. */
  available(session: Http2Client): void;
  /** It takes no new streams: another connection is needed. */
  retiring(session: Http2Client): void;
  /** No stream is left. */
  idle(session: Http2Client): void;
  /** It went over a limit. */
  limitHit(limit: Http2Limit): void;
  /** It is gone. */
  closed(session: Http2Client): void;
}

/** One upstream connection. */
export class Http2Client implements LinkEvents, Http2Role, StreamOwner {
  readonly wheel: TimerWheel;
  /** "address:port" of the endpoint, for messages. */
  readonly host: string;
  /** Streams whose answer came whole. */
  served = 0;
  /** The peer has said GOAWAY. */
  leaving = false;
  readonly streamsLast: boolean;
  readonly #owner: Http2ClientOwner;
  readonly #timer = new Timer(() => this.#openTimeout());
  readonly #resets: Http2ResetBudget;
  #link!: Link;
  #connection!: Http2Connection;
  #connectMs = 0;
  #connected = false;
  #opened = false;
  #overdueTicks = 0;
  #retiring = false;
  #gone = false;
  #nextId: number;
  /** Streams that are over, for those to come. */
  readonly #free: Http2ClientStream[] = [];
  /** Streams that were taken and have not sent their head. */
  #reserved = 0;
  /** Streams that ask for a tunnel or are one, if any ever did. */
  #tunnels: Set<Http2Stream> | undefined = undefined;
  /** Tunnels that it may have, as far as the server has refused one. */
  tunnelsMax = Number.POSITIVE_INFINITY;
  #full = false;
  /** It was asked whether it is there, and has said nothing since. */
  #silent = false;
  /** More waits to leave than a peer that reads would let wait. */
  #clogged = false;

  /** `firstStream`: tests begin near the last one. */
  constructor(owner: Http2ClientOwner, host: string, firstStream = 1) {
    this.#owner = owner;
    this.wheel = owner.wheel;
    this.streamsLast = owner.streamsLast;
    this.#resets = new Http2ResetBudget(owner.wheel);
    this.host = host;
    this.#nextId = firstStream;
  }

  /** The link this session speaks on, being dialled for `connectMs`; 0: while the system tries. */
  attach(link: Link, connectMs: number = timeouts.connectTimeoutMs): void {
    this.#link = link;
    this.#connection = new Http2Connection(this, link, 'server');
    this.#connection.output.heads.host = this.host;
    this.#connectMs = connectMs;
    if (connectMs > 0) this.wheel.set(this.#timer, connectMs);
  }

  /** Streams open or taken. */
  get streams(): number {
    return this.#connection.streams.size + this.#reserved;
  }

  /** Streams that may be opened now. */
  get capacity(): number {
    if (!this.#opened || this.#retiring || this.#connection.gone) return 0;
    if (this.#clogged || this.#silent) return 0;
    return Math.max(0, Math.min(this.streamsMax, this.#resets.left) - this.streams);
  }

  /** Streams at a time that the peer and we allow. */
  get streamsMax(): number {
    return Math.min(this.#connection.input.peer.concurrentStreamsMax, limits.concurrentStreamsMax);
  }

  // HOT: per exchange. Takes one of the capacity.
  open(): UpstreamStream {
    this.#reserved++;
    if (this.capacity === 0) this.#full = true;
    return this.#free.pop() ?? new Http2ClientStream(this, this.#connection);
  }

  /** Tunnels asked for or open. */
  get tunnels(): number {
    return this.#tunnels?.size ?? 0;
  }

  // HOT: per exchange. `stream`, which was taken, begins; false when the connection cannot have it now.
  begin(stream: Http2Stream, tunnels: boolean): boolean {
    this.#reserved--;
    if (this.#retiring || this.#gone) {
      this.#endIfIdle();
      return false;
    }
    const id = this.#nextId;
    this.#nextId += 2;
    this.#connection.add(id, stream);
    if (tunnels) (this.#tunnels ??= new Set()).add(stream);
    if (this.#nextId > STREAM_ID_MAX) this.#retire();
    return true;
  }

  /** No limit of theirs is announced: the others are as many as there may be, if there are any. */
  tunnelRefused(): void {
    const others = this.tunnels - 1;
    if (others > 0) this.tunnelsMax = Math.min(this.tunnelsMax, others);
  }

  /** It was refused for another reason, if ever. */
  tunnelGranted(): void {
    this.tunnelsMax = Math.max(this.tunnelsMax, this.tunnels);
  }

  streamFree(over: Http2ClientStream): void {
    if (this.#free.length < FREE_STREAMS_MAX) this.#free.push(over);
  }

  unused(): void {
    this.#free.length = 0;
  }

  // HOT: per exchange.
  headWritten(): void {
    if (this.#link.unsentBytes < limits.unreadBytesMax) return;
    this.#clogged = true;
    this.#full = true;
  }

  /** The server takes extended CONNECT (RFC 8441). */
  get extendedConnect(): boolean {
    return this.#connection.input.peer.extendedConnect;
  }

  /** A stream that was taken is not needed. */
  giveBack(): void {
    this.#reserved--;
    this.streamOver();
  }

  /** Ends the link; while streams are open, with the last of them. */
  close(): void {
    this.#retire();
    this.#endIfIdle();
  }

  /** Ends the dial, unheard. */
  giveUp(): void {
    this.#gone = true;
    this.wheel.cancel(this.#timer);
    this.#link.reset();
  }

  #retire(): void {
    if (this.#retiring) return;
    this.#retiring = true;
    this.#owner.retiring(this);
  }

  #endIfIdle(): void {
    if (!this.#retiring || this.#gone || this.streams > 0) return;
    this.#connection.end(NO_ERROR, '', CLOSED);
  }

  // ---- the link ----

  onOpen(): void {
    this.#connected = true;
    this.#overdueTicks = 0;
    this.wheel.set(this.#timer, timeouts.headTimeoutMs);
    this.#link.write(CLIENT_PREFACE, 0, CLIENT_PREFACE.length);
    const { output } = this.#connection;
    output.settings(ownSettings('client', 0));
    output.windowUpdate(0, limits.connectionWindowBytes - WINDOW_BYTES_START);
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#connection.onBytes(bytes, start, end);
    if (!this.#silent) return;
    this.#silent = false;
    this.#freed();
  }

  onSent(): void {
    this.#connection.onSent();
    if (!this.#clogged || this.#link.unsentBytes > limits.unreadBytesMax / 2) return;
    this.#clogged = false;
    this.#freed();
  }

  onEnd(): void {
    if (!this.#opened) this.#notOpened(this.#leftUnopened());
    this.#retire();
    this.#connection.abandon(this.#lost());
  }

  onClose(error: MeshError | undefined): void {
    if (!this.#opened)
      this.#notOpened(this.#connected ? this.#leftUnopened() : this.#unreachable(error));
    this.#retire();
    this.#connection.onClose(error?.code === 'deadline-passed' ? error : this.#lost());
  }

  /** Nothing was asked on it, and nothing can be. */
  #notOpened(error: MeshError): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#retiring = true;
    this.wheel.cancel(this.#timer);
    this.#owner.failed(this, error);
  }

  #unreachable(error: MeshError | undefined): MeshError {
    const sentence = `Cannot connect to ${this.host}.`;
    return error ?? new MeshError('upstream-unreachable', 'upstream', sentence, 'unsent');
  }

  /** A listener that closes, or a server of something else. */
  #leftUnopened(): MeshError {
    const code = this.#owner.speaksHttp2 ? 'upstream-unreachable' : 'upstream-protocol';
    const sentence = `${this.host} ended the connection before it said SETTINGS.`;
    return new MeshError(code, 'upstream', sentence, 'unsent');
  }

  /**
   * What left may have been processed: RFC 9113 8.7 takes GOAWAY and REFUSED_STREAM for proofs, and
   * nothing else.
   */
  #lost(): MeshError {
    const sentence = `${this.host} ended the connection before it answered.`;
    return new MeshError('upstream-reset', 'upstream', sentence, 'if-reused');
  }

  // ---- the connection ----

  // HOT: per exchange.
  headers(
    id: number,
    stream: Http2Stream | undefined,
    block: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    const connection = this.#connection;
    if (stream === undefined) {
      if (connection.input.dropBlock(block, start, end)) connection.input.closedFrame(id);
      return;
    }
    if (stream.headSeen) return connection.input.trailers(stream, block, start, end, endStream);
    const head = connection.input.heads.response(block, start, end);
    if (head === 'compression-error') return void connection.input.compressionFault();
    (stream.events as Http2ClientStream).head(head, endStream);
  }

  mayBe(id: number): boolean {
    return id % 2 === 1 && id < this.#nextId;
  }

  settingsChanged(): void {
    if (!this.#opened) return this.#open();
    if (this.capacity > 0) this.#freed();
    else if (!this.#retiring) this.#full = true;
  }

  #open(): void {
    this.#opened = true;
    this.wheel.cancel(this.#timer);
    if (this.capacity === 0) this.#full = true;
    this.#owner.opened(this);
  }

  pingAcked(): void {}

  /** Streams above `lastStream` were not processed: they may be tried again (RFC 9113 6.8). */
  goaway(lastStream: number): void {
    this.leaving = true;
    this.#retire();
    const sentence = `${this.host} is going away and did not process the request.`;
    const error = new MeshError('upstream-reset', 'upstream', sentence, 'unprocessed');
    for (const stream of this.#connection.streams.values()) {
      if (stream.id > lastStream) this.#connection.lose(stream, error);
    }
    this.#endIfIdle();
  }

  /** It may be gone: nobody should wait to learn that. Watches and long polls are silent, too. */
  silent(): void {
    this.#silent = true;
    this.#full = true;
  }

  fault({ sentence }: Http2Fault): MeshError {
    return this.slow(sentence);
  }

  limitHit(limit: Http2Limit): void {
    this.#owner.limitHit(limit);
  }

  slow(sentence: string): MeshError {
    const said = `${this.host} broke HTTP/2: ${sentence}`;
    if (!this.#opened)
      this.#notOpened(new MeshError('upstream-protocol', 'upstream', said, 'unsent'));
    this.#retire();
    return new MeshError('upstream-protocol', 'upstream', said);
  }

  resetSent(): void {
    this.#resets.spend();
    if (this.capacity === 0) this.#full = true;
    if (!this.#resets.low || this.#retiring) return;
    this.#retire();
    this.#endIfIdle();
  }

  streamOver(stream?: Http2Stream): void {
    if (stream !== undefined) this.#tunnels?.delete(stream);
    this.#freed();
    if (this.streams > 0 || this.#gone) return;
    if (this.#retiring) this.#endIfIdle();
    else this.#owner.idle(this);
  }

  #freed(): void {
    if (!this.#full || this.capacity === 0) return;
    this.#full = false;
    this.#owner.available(this);
  }

  closed(): void {
    this.#resets.stop();
    if (this.#gone) return;
    this.#gone = true;
    this.#owner.closed(this);
  }

  #openTimeout(): void {
    // A thread behind its work runs timers before it hears what its sockets have to say.
    if (this.#overdueTicks++ === 0) return this.wheel.set(this.#timer, 1);
    const sentence = this.#connected
      ? `${this.host} said no SETTINGS within ${timeouts.headTimeoutMs} ms.`
      : `${this.host} accepted no connection within ${this.#connectMs} ms.`;
    const why = new MeshError('deadline-passed', 'upstream', sentence, 'unsent');
    this.#notOpened(why);
    this.#connection.abandon(why);
  }
}

const CLOSED = new MeshError('upstream-reset', 'proxy', 'The connection was closed.');
