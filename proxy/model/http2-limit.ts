/** What an HTTP/2 peer may do only so much of; each time is counted under its name. */

/** Every limit, in a fixed order: counters are indexed by it. */
export const HTTP2_LIMITS = [
  /** Streams at once (RFC 9113 section 5.1.2). */
  'streams',
  /** Streams at once that ask for a tunnel or are one: each may take an upstream connection. */
  'tunnels',
  /** Streams cancelled as soon as they are opened: rapid reset. */
  'resets',
  /** CONTINUATION frames, of one header block or in a second. */
  'continuation',
  /** Bytes of one header block. */
  'head-size',
  /** DATA frames without data. */
  'empty-data',
  /** SETTINGS frames, or what they ask to be acknowledged. */
  'settings',
  'ping',
  /** PRIORITY and other frames that have no use. */
  'useless',
  /** WINDOW_UPDATE frames for hardly any bytes. */
  'window-update',
  /** DATA beyond a window, or a window beyond 2^31-1. */
  'window',
  /** Bytes, or a stream, that waited too long for a peer that does not take what it asked for. */
  'stalled',
] as const;
/** The name of a limit, as the metrics page has it. */
export type Http2Limit = (typeof HTTP2_LIMITS)[number];
