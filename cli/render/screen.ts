import type { Terminal } from '../output.ts';

/**
 * Control sequences of ECMA-48 and of xterm: private mode 1049 is the alternate screen, which leaves
 * what the terminal showed as it was; 25 is the cursor.
 */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const ERASE_REST_OF_LINE = '\u001B[K';
const ERASE_BELOW = '\u001B[J';

/** A terminal's alternate screen, redrawn in place without flicker; `close` it in any case. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #write: (text: string) => void;
  readonly #stopListening: () => void;
  #text = '';

  constructor(terminal: Terminal, write: (text: string) => void) {
    this.#terminal = terminal;
    this.#write = write;
    write(ENTER);
    this.#stopListening = terminal.onResize(() => this.draw(this.#text));
  }

  /** Shows these lines, as much of them as fits. */
  draw(text: string): void {
    this.#text = text;
    const { columns, rows } = this.#terminal;
    const lines = fitLines(text, columns, rows).map((line) => `${line}${ERASE_REST_OF_LINE}`);
    // No line break after the last line: at the bottom it would scroll the first one away.
    this.#write(`${HOME}${lines.join('\n')}${ERASE_BELOW}`);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#stopListening();
    this.#write(LEAVE);
  }
}

/**
 * Lines of `text` cut to the terminal; when some do not fit, the last one says how many. A size of 0
 * is one that the terminal does not tell: nothing is cut.
 */
export function fitLines(text: string, columns: number, rows: number): readonly string[] {
  const lines = text.trimEnd().split('\n');
  const fitting =
    rows === 0 || lines.length <= rows
      ? lines
      : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
  return columns === 0 ? fitting : fitting.map((line) => line.slice(0, columns));
}
