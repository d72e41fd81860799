/** What a micro-benchmark is: plain data that anyone may run. */

/** One operation, ready to be repeated. */
export interface Operation {
  /**
   * Does the operation once. The number tells that the work was done, and keeps the compiler from
   * leaving it out.
   */
  readonly run: () => number;
  /** What `run` returns, every time. */
  readonly expected: number;
}

/** A named operation of a hot file. */
export interface MicroCase {
  /** "head-parser request": the file, then what is done. */
  readonly name: string;
  /** Makes what the operation needs; not measured. */
  readonly setup: () => Operation;
}
