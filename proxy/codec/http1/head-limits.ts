/** Bounds of a head of HTTP/1. */

/** Bytes and fields. */
export interface HeadLimits {
  readonly headBytesMax: number;
  readonly fieldCountMax: number;
  readonly targetBytesMax: number;
}

/** No registered method comes near it. */
export const METHOD_BYTES_MAX = 64;
