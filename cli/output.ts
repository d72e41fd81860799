/** Where a command writes: what was asked for to `out`, everything else to `err`. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** The terminal that `out` is, which can be redrawn; undefined for a file or a pipe. */
  readonly terminal: Terminal | undefined;
}

/** Size of a terminal, in cells. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  /** Calls back when the size changes, until the function it returns is called. */
  readonly onResize: (resized: () => void) => () => void;
}

/** JSON as a person can read it. */
export const formatJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
