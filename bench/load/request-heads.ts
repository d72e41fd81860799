/** The seam between a session of HTTP/2 and who makes its requests' header blocks. */

/** Makes the header blocks of one connection's requests. */
export interface RequestHeads {
  /** No block is longer. */
  readonly bytesMax: number;
  /** Writes the block of a shape at `at`, where `bytesMax` have room; returns its end. */
  write(shape: number, out: Buffer, at: number): number;
  /** The peer's table holds no more than `bytes`. */
  limitTable(bytes: number): void;
}
