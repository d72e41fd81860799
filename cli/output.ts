/** Where a command writes: what was asked for to `out`, everything else to `err`. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** `out` is a terminal, which can be redrawn. */
  readonly interactive: boolean;
}

/** JSON as a person can read it. */
export const formatJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
