/** What a message that goes from one protocol to the other must not be, and what becomes of it. */

/** The whole of it is at fault: nothing of it goes on. */
export const HEAD = 'head';
/** Its head went on before the fault came: it is aborted, and never looks whole. */
export const BODY = 'body';
/** More came than its length: it is aborted, whole by that length or not, and no byte above goes on. */
export const EXCESS = 'excess';
/** Where a message is at fault. */
export type Fault = typeof HEAD | typeof BODY | typeof EXCESS;

/** May reach nobody. */
export const SMUGGLED = 'SMUGGLED';

/** A vector in HTTP/2. */
export interface Http2Vector {
  readonly name: string;
  /** Where the rule stands, in RFC 9113 unless another is named. */
  readonly section: string;
  /** Of stream 1. */
  readonly frames: readonly Buffer[];
  readonly fault: Fault;
  /** The status of the answer; undefined: RST_STREAM with PROTOCOL_ERROR. */
  readonly status: number | undefined;
}
