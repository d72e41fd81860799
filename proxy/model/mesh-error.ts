/** An expected failure of the mesh: code x source x retry x cause, a value that is never thrown. */

export type ErrorCode =
  | 'malformed-request'
  | 'not-http'
  | 'unknown-transfer-coding'
  | 'version-not-served'
  | 'head-too-large'
  | 'target-too-long'
  | 'head-timeout'
  | 'tunnel-not-served'
  | 'no-such-service'
  | 'upstream-protocol'
  | 'upstream-refused'
  | 'upstream-unreachable'
  | 'upstream-reset'
  | 'address-refused'
  | 'outside-failed'
  | 'dns-failed'
  | 'no-endpoint'
  | 'discovery-timeout'
  | 'overloaded'
  | 'out-of-descriptors'
  | 'past-drain'
  | 'deadline-passed'
  | 'proxy-loop'
  | 'internal'
  | 'cancelled';

/** What the exchange may do about a failed attempt. */
export type Retry =
  /** Final for the exchange. */
  | 'never'
  /** No byte of the request reached an upstream: another endpoint may be tried. */
  | 'unsent'
  /**
   * The upstream says that it did nothing with the request (RFC 9113 section 8.7), or nothing of it
   * left: any method may be tried again while its body is held whole.
   */
  | 'unprocessed'
  /** A pooled connection died under the request: one replay when the request can be replayed. */
  | 'if-reused';

/** Whose fault it is. */
export type ErrorSource = 'downstream' | 'upstream' | 'proxy';

/** How the peer's connection ended: `orderly`, by FIN. */
export type Ending = 'orderly' | 'cut';

/** An expected failure; a value, never thrown. */
export class MeshError {
  readonly code: ErrorCode;
  readonly source: ErrorSource;
  readonly retry: Retry;
  /** One plain sentence: what failed, where, and since when if that is known. */
  readonly sentence: string;
  /** The HTTP/2 error code a peer reset the stream with, for the other side if that is HTTP/2 too. */
  readonly resetCode: number | undefined;
  /** Of a connection that is lost: what its end looked like. */
  readonly ending: Ending;

  constructor(
    code: ErrorCode,
    source: ErrorSource,
    sentence: string,
    retry: Retry = 'never',
    resetCode?: number,
    ending: Ending = 'cut',
  ) {
    this.code = code;
    this.source = source;
    this.sentence = sentence;
    this.retry = retry;
    this.resetCode = resetCode;
    this.ending = ending;
  }
}
