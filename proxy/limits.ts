/**
 * Every limit of the data path, with its reason. Derived limits are sums of named consumers and
 * are asserted against each other when a thread starts (`assertLimits`).
 */
import assert from 'node:assert/strict';

const KiB = 1024;

/** Sizes and counts. */
export const limits = {
  /** Head of a request or a response, start line included; trailers alike. Both directions. */
  headBytesMax: 64 * KiB,
  /** Field lines in a head. */
  fieldCountMax: 256,
  /** Request target. */
  targetBytesMax: 16 * KiB,
  /** What a hop may add to a head: Host, Connection, framing, Date-free. */
  headGrowthBytesMax: 2 * KiB,
  /** Extensions of all chunks of one message: they are dropped, so they must not be a flood. */
  chunkExtensionBytesMax: 16 * KiB,
  /** One read from a socket; larger buffers cost 20 to 40 % more CPU. */
  readBytes: 64 * KiB,
  /** Bytes of one half-stream that the other side has not taken: reading stops above it. */
  streamWindowBytes: 64 * KiB,
  /** ... and starts again below it. */
  streamResumeBytes: 32 * KiB,
  /** Bytes of a request body kept for a replay or until an upstream connection is there. */
  replayBytesMax: 64 * KiB,
  /** Bytes read ahead of a pipelining client's current request: reading stops above it. */
  pipelineBytesMax: 64 * KiB,
  /** Bytes read and thrown away after an answer that closes, so that the answer is not lost. */
  lingerBytesMax: 1024 * KiB,
  /** Downstream connections of one thread. */
  downstreamLinksMax: 20_000,
  /** Upstream connections of one thread. */
  upstreamLinksMax: 20_000,
  /** Idle connections kept to one endpoint. */
  idleLinksPerEndpointMax: 256,
  /** Different endpoints one exchange dials before it gives up. */
  dialsPerExchangeMax: 3,
  /** Learned route names of one destination; more share "[other]". */
  learnedRoutesMax: 64,
  /** Raw targets of one destination whose route is remembered. */
  rememberedTargetsMax: 1024,
  /** Metric series of one thread; more share the series "other". */
  seriesMax: 2_000,
  /** Destinations one thread knows at a time. */
  destinationsMax: 10_000,
} as const;

/** One out-buffer slab holds the largest head a hop can write. */
export const SLAB_BYTES = limits.headBytesMax + limits.headGrowthBytesMax + 14 * KiB;

/** Times, milliseconds. */
export const timeouts = {
  /** First byte of a head to its end. */
  headMs: 10_000,
  /** Keep-alive connection of a downstream without a request. */
  downstreamIdleMs: 600_000,
  /** Pooled upstream connection; below the 5 s after which Node.js servers close theirs. */
  upstreamIdleMs: 3_000,
  /** Nothing read and nothing taken in the middle of an exchange. */
  streamIdleMs: 300_000,
  connectMs: 1_000,
  /** No answer of the controller about a destination. */
  discoveryMs: 3_000,
  /** After an answer that closes: how long the client may go on sending. */
  lingerMs: 2_000,
  /** A destination without requests is forgotten. */
  destinationIdleMs: 300_000,
  dnsPositiveMs: 30_000,
  dnsNegativeMs: 5_000,
  /** A series without requests leaves the metrics. */
  seriesIdleMs: 600_000,
} as const;

/** Throws when two limits contradict each other: a bug in this file. */
export function assertLimits(): void {
  assert(SLAB_BYTES >= limits.headBytesMax + limits.headGrowthBytesMax);
  assert(SLAB_BYTES >= limits.readBytes + 2 * KiB, 'one read and its chunk frame fit in a slab');
  assert(limits.streamResumeBytes < limits.streamWindowBytes);
  assert(limits.targetBytesMax < limits.headBytesMax);
  assert(limits.replayBytesMax >= limits.streamWindowBytes, 'a window fits into the replay buffer');
}
