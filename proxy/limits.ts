/**
 * Every limit of the data path, with its bounds and its reason. Each is a setting of the sidecar
 * (docs/settings.md); they are asserted against each other when a thread starts.
 */
import assert from 'node:assert/strict';

const KiB = 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** One limit: its default, what may be set, and why it is there. */
export interface LimitRow {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string | undefined;
  readonly reason: string;
}

const row = (
  fallback: number,
  min: number,
  max: number,
  unit: string | undefined,
  reason: string,
): LimitRow => ({ fallback, min, max, unit, reason });

/** Sizes and counts that may be set. */
export const LIMIT_ROWS = {
  headBytesMax: row(
    64 * KiB,
    1 * KiB,
    64 * KiB,
    'bytes',
    'Head of a request or response, or its trailers: 431 above it, 502 for a response.',
  ),
  fieldCountMax: row(256, 8, 4096, undefined, 'Field lines in a head: 431 above it.'),
  targetBytesMax: row(16 * KiB, 256, 32 * KiB, 'bytes', 'Request target: 414 above it.'),
  streamWindowBytes: row(
    64 * KiB,
    16 * KiB,
    1024 * KiB,
    'bytes',
    'Data of one half-stream that the other side has not taken: reading stops above it.',
  ),
  replayBytesMax: row(
    64 * KiB,
    0,
    1024 * KiB,
    'bytes',
    'Request body kept for a replay; a longer one is not replayed.',
  ),
  pipelineBytesMax: row(
    64 * KiB,
    1 * KiB,
    1024 * KiB,
    'bytes',
    'Read ahead of the current request of a pipelining client: reading stops above it.',
  ),
  lingerBytesMax: row(
    1024 * KiB,
    0,
    64 * 1024 * KiB,
    'bytes',
    'Read and dropped behind an answer that ended the request early.',
  ),
  downstreamLinksMax: row(
    20_000,
    1,
    1_000_000,
    undefined,
    'Downstream connections of the process: 503 above it. Less where descriptors are scarce.',
  ),
  upstreamLinksMax: row(
    20_000,
    1,
    1_000_000,
    undefined,
    'Upstream connections of one thread: 503 above it. Less where descriptors are scarce.',
  ),
  idleLinksPerEndpointMax: row(256, 0, 10_000, undefined, 'Idle connections kept to an endpoint.'),
  http2LinksPerEndpointMax: row(
    8,
    1,
    1_000,
    undefined,
    'HTTP/2 connections to an endpoint that take streams; requests beyond their streams wait.',
  ),
  pendingPerEndpointMax: row(
    1_024,
    0,
    100_000,
    undefined,
    'Requests that wait for an HTTP/2 stream to an endpoint: 503 above it.',
  ),
  dialsPerExchangeMax: row(
    3,
    1,
    10,
    undefined,
    'Tries of one request that reach no upstream, or that none processes, before it gives up.',
  ),
  tunnelBufferBytes: row(
    128 * KiB,
    16 * KiB,
    16 * 1024 * KiB,
    'bytes',
    'Bytes that a side of a TCP tunnel may be behind: above it the other side is not read.',
  ),
  serverFirstDialsMax: row(
    100,
    0,
    10_000,
    undefined,
    'Connections to one destination dialled to hear whether the server speaks first, at a time.',
  ),
  learnedRoutesMax: row(64, 0, 1_000, undefined, 'Learned route names of one destination.'),
  seriesMax: row(
    2_000,
    10,
    100_000,
    undefined,
    'Metric series of a thread, and of all together; more share "other".',
  ),
  destinationsMax: row(
    10_000,
    1,
    1_000_000,
    undefined,
    'Destinations the process knows at a time, each data thread its share: 503 above it.',
  ),
  concurrentStreamsMax: row(
    1_024,
    1,
    100_000,
    undefined,
    'Streams of one HTTP/2 connection at a time, a window of data each: REFUSED_STREAM above it.',
  ),
  tunnelsPerLinkMax: row(
    100,
    0,
    100_000,
    undefined,
    'Tunnels of one HTTP/2 connection at a time, an upstream connection each: REFUSED_STREAM above it.',
  ),
  connectionWindowBytes: row(
    1024 * KiB,
    64 * KiB,
    64 * 1024 * KiB,
    'bytes',
    'Data that an HTTP/2 peer may have on its way to us on one connection.',
  ),
  resetsPerSecondMax: row(
    2_000,
    10,
    1_000_000,
    undefined,
    'Streams of one HTTP/2 connection refused or reset in a second, work thrown away: ENHANCE_YOUR_CALM.',
  ),
} as const satisfies Record<string, LimitRow>;

/** Times that may be set. */
export const TIMEOUT_ROWS = {
  headTimeoutMs: row(
    10_000,
    100,
    HOUR_MS,
    'ms',
    'First byte of a request head to its end: 408. An HTTP/2 server has as long for its SETTINGS.',
  ),
  downstreamIdleMs: row(
    10 * MINUTE_MS,
    1_000,
    24 * HOUR_MS,
    'ms',
    'A downstream connection without a request is closed.',
  ),
  detectTimeoutMs: row(
    1_000,
    10,
    60_000,
    'ms',
    'A connection whose first bytes do not tell within it what they are is carried as TCP; what only HTTP begins with is waited for as a head is.',
  ),
  serverFirstMs: row(
    20,
    1,
    60_000,
    'ms',
    'A client that is silent for so long may wait for its server to speak: the server is dialled.',
  ),
  halfCloseMs: row(
    5 * MINUTE_MS,
    100,
    24 * HOUR_MS,
    'ms',
    'Nothing moves in a tunnel of which one side has ended: it is closed.',
  ),
  tunnelIdleMs: row(
    0,
    0,
    24 * HOUR_MS,
    'ms',
    'Nothing moves in a tunnel: it is closed. 0: never; keep-alive finds the dead.',
  ),
  tcpUserTimeoutMs: row(
    5 * MINUTE_MS,
    0,
    HOUR_MS,
    'ms',
    'Bytes of a tunnel that no peer takes for so long end it. 0: as the system does.',
  ),
  upstreamIdleMs: row(
    3_000,
    100,
    HOUR_MS,
    'ms',
    'A pooled connection is closed; below the 5 s after which Node.js servers close theirs.',
  ),
  http2UpstreamIdleMs: row(
    60_000,
    100,
    HOUR_MS,
    'ms',
    'A pooled HTTP/2 connection without a stream is closed; servers keep them for minutes.',
  ),
  streamIdleMs: row(
    5 * MINUTE_MS,
    1_000,
    24 * HOUR_MS,
    'ms',
    'Nothing moves in the middle of an exchange: 504, or a cut answer.',
  ),
  connectTimeoutMs: row(
    1_000,
    10,
    60_000,
    'ms',
    'A dial without an answer: another endpoint, or 504.',
  ),
  discoveryTimeoutMs: row(
    3_000,
    10,
    60_000,
    'ms',
    'No answer of the controller, or of DNS, about a destination: 503, or 504.',
  ),
  lingerMs: row(
    2_000,
    100,
    60_000,
    'ms',
    'How long a client may go on sending behind an answer that closes.',
  ),
  pingAfterMs: row(
    10_000,
    100,
    HOUR_MS,
    'ms',
    'An HTTP/2 peer that says nothing while streams are open is sent a PING.',
  ),
  pingTimeoutMs: row(
    5_000,
    100,
    HOUR_MS,
    'ms',
    'An HTTP/2 peer that is silent for so long after a PING is gone.',
  ),
  destinationIdleMs: row(
    5 * MINUTE_MS,
    1_000,
    24 * HOUR_MS,
    'ms',
    'A destination without requests is forgotten.',
  ),
  dnsPositiveMs: row(30_000, 1_000, HOUR_MS, 'ms', 'How long an answer of DNS is used.'),
  dnsNegativeMs: row(5_000, 100, HOUR_MS, 'ms', 'How long a failure of DNS is used.'),
  seriesIdleMs: row(
    10 * MINUTE_MS,
    MINUTE_MS,
    24 * HOUR_MS,
    'ms',
    'A metric series without requests leaves the metrics.',
  ),
} as const satisfies Record<string, LimitRow>;

type Values<Rows> = { -readonly [Name in keyof Rows]: number };
const defaults = <Rows extends Record<string, LimitRow>>(rows: Rows): Values<Rows> =>
  Object.fromEntries(
    Object.entries(rows).map(([name, { fallback }]) => [name, fallback]),
  ) as Values<Rows>;

/** Sizes and counts in force in this thread. */
export const limits = {
  ...defaults(LIMIT_ROWS),
  /** What a hop may add to a head: Host, Connection, framing. */
  headGrowthBytesMax: 2 * KiB,
  /** Extensions of all chunks of one message: they are dropped, so they must not be a flood. */
  chunkExtensionBytesMax: 16 * KiB,
  /** One read from a socket; larger buffers cost 20 to 40 % more CPU. */
  readBytes: 64 * KiB,
  /** Interim responses to one request: they carry no credit. */
  informationalMax: 16,
  /** Raw targets of one destination whose route is remembered. */
  rememberedTargetsMax: 1024,
  /** Downstream connections of one thread that are being answered that there are too many. */
  refusedLinksMax: 16,
  /** On their way to one thread from others: one that stalls and dies loses no more than these. */
  passedLinksMax: 8,
  /** A message of the controller; the destination with the most endpoints is the largest. */
  controlMessageBytesMax: 16 * 1024 * KiB,
  /** Connections to the admin port. */
  adminLinksMax: 16,
  /** Payload of the HTTP/2 frames we take and send: the least a peer must take. */
  frameBytesMax: 16 * KiB,
  /** Unsent bytes of an HTTP/2 link above which data waits in its stream: fair and cheap to cut. */
  linkBacklogBytes: 64 * KiB,
  /** Unsent bytes of an HTTP/2 link above which its peer, who does not read, is not read either. */
  unreadBytesMax: 256 * KiB,
  /**
   * Unsent bytes of a link to an HTTP/2 upstream, which is read on, above which it is given up:
   * four times those above which it gets no further requests, and a window.
   */
  unsentBytesMax: (4 * 256 + 64) * KiB,
  /** Streams of an upstream connection that may be reset at once; nghttp2 lets a client do 1,000. */
  resetsSentMax: 800,
  /** And for long; nghttp2 lets a client do 33. */
  resetsSentPerSecond: 20,
  // HTTP/2 frames of one connection in a second that cost their sender less than us. All of them
  // protect the thread's time, which other connections share.
  /** DATA without data, or of padding only: no window bounds it. */
  emptyDataPerSecondMax: 2_000,
  /** DATA of a few bytes: it has a window, and streams of small messages are made of it. */
  tinyDataPerSecondMax: 100_000,
  /** SETTINGS: each is acknowledged, and may visit every open stream. */
  settingsPerSecondMax: 50,
  /** PING: each is answered. Clients that measure their bandwidth ping once a round trip. */
  pingsPerSecondMax: 10_000,
  /** PRIORITY, GOAWAY and frames that RFC 9113 does not know: read and dropped. */
  uselessPerSecondMax: 5_000,
  /** CONTINUATION: heads that are copied together before they can be judged; of all who share it. */
  continuationsPerSecondMax: 4_000,
  /** WINDOW_UPDATE: for a byte each, they cut what we send into frames of a byte. */
  windowUpdatesPerSecondMax: 200_000,
  /** The limit of descriptors, where it is what bounds the links; else 0. */
  boundingDescriptors: 0,
};

/** Times in force in this thread, milliseconds. */
export const timeouts: Values<typeof TIMEOUT_ROWS> = defaults(TIMEOUT_ROWS);

/** Values for `limits` and `timeouts`, as a process gives them to its threads. */
export type LimitValues = Partial<
  Values<typeof LIMIT_ROWS> & Values<typeof TIMEOUT_ROWS> & { boundingDescriptors: number }
>;

/** Below this many bytes a stopped half-stream is read again. */
export const streamResumeBytes = (): number => limits.streamWindowBytes / 2;

/** One out-buffer slab: the largest head a hop can write, or one read and its frame. */
export const SLAB_BYTES = LIMIT_ROWS.headBytesMax.max + 16 * KiB;

/** Puts values in force in this thread, before it serves; throws when they contradict each other. */
export function applyLimits(values: LimitValues): void {
  for (const [name, value] of Object.entries(values)) {
    Object.assign(name in timeouts ? timeouts : limits, { [name]: value });
  }
  const problem = limitsProblem(limits);
  if (problem !== undefined) throw new Error(problem);
  assert(SLAB_BYTES >= limits.headBytesMax + limits.headGrowthBytesMax);
  assert(SLAB_BYTES >= limits.readBytes + 2 * KiB, 'one read and its chunk frame fit in a slab');
}

/** Of what the process has once this thread has its part, of `threads`. The least is 1. */
export function takeShare(threads: number): void {
  // Together they ask the controller for no more than it answers one proxy.
  limits.destinationsMax = Math.max(1, Math.floor(limits.destinationsMax / threads));
}

/** Why limits contradict each other; undefined when they do not. */
export function limitsProblem(values: Values<typeof LIMIT_ROWS>): string | undefined {
  if (values.targetBytesMax >= values.headBytesMax) {
    return `--target-bytes-max ${values.targetBytesMax} must be below --head-bytes-max ${values.headBytesMax}`;
  }
  // Else one stream that nobody reads would stop all others of its connection.
  if (values.connectionWindowBytes < 2 * values.streamWindowBytes) {
    return `--connection-window-bytes ${values.connectionWindowBytes} must be twice --stream-window-bytes ${values.streamWindowBytes} or more`;
  }
  return undefined;
}
