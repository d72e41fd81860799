/**
 * Splits TypeScript or JavaScript into code, comments and literals, as far as style rules need it:
 * a rule about calls must not trip over a comment, nor one about comments over a string.
 */

/** A comment or literal; `text` is without its delimiters, `start` the offset of the first one. */
export interface Span {
  readonly start: number;
  readonly text: string;
}

/** One scanned text. */
export interface Scanned {
  /** As long as the text, line breaks in place; comments and what literals hold are spaces. */
  readonly code: string;
  readonly comments: readonly Span[];
  /** Strings and templates without holes, by the offset of their opening quote. */
  readonly strings: ReadonlyMap<number, string>;
}

/** A slash begins a regular expression after these words, as it does after most punctuation. */
const WORDS_BEFORE_REGEX =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/;
const VALUE_END = /[\w$)\]}'"`]$/;

/** Scans `text`; what does not end, ends with the text. */
export function scan(text: string): Scanned {
  const comments: Span[] = [];
  const strings = new Map<number, string>();
  const holes: number[] = [];
  let code = '';
  let depth = 0;
  let i = 0;

  const blank = (end: number): void => {
    code += text.slice(i, end).replaceAll(/[^\n]/g, ' ');
    i = end;
  };
  const literal = (end: number): void => {
    const start = i;
    code += text[i];
    i++;
    blank(Math.max(i, end - 1));
    code += text.slice(i, end);
    i = end;
    strings.set(start, text.slice(start + 1, end - 1));
  };

  while (i < text.length) {
    const two = text.slice(i, i + 2);
    const one = text[i] ?? '';
    if (two === '//' || two === '/*') {
      const close = two === '//' ? text.indexOf('\n', i) : text.indexOf('*/', i + 2);
      const end = close === -1 ? text.length : close + (two === '//' ? 0 : 2);
      comments.push({ start: i, text: text.slice(i + 2, two === '//' ? end : end - 2) });
      blank(end);
    } else if (one === "'" || one === '"') {
      literal(endOfQuoted(text, i, one));
    } else if (one === '`' || (one === '}' && holes.at(-1) === depth)) {
      if (one === '}') holes.pop();
      const end = endOfTemplate(text, i + 1);
      if (text[end - 1] === '{') holes.push(depth);
      literal(end);
    } else if (one === '/' && startsRegex(code)) {
      literal(endOfRegex(text, i));
    } else {
      if (one === '{') depth++;
      else if (one === '}') depth--;
      code += one;
      i++;
    }
  }
  return { code, comments, strings };
}

function startsRegex(before: string): boolean {
  const code = before.slice(-200).trimEnd();
  return !VALUE_END.test(code) || WORDS_BEFORE_REGEX.test(code);
}

function endOfQuoted(text: string, start: number, quote: string): number {
  let i = start + 1;
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1;
  return Math.min(i + 1, text.length);
}

/** Past the closing backtick, or past the `${` of the next hole. */
function endOfTemplate(text: string, start: number): number {
  let i = start;
  while (i < text.length && text[i] !== '`') {
    if (text[i] === '$' && text[i + 1] === '{') return i + 2;
    i += text[i] === '\\' ? 2 : 1;
  }
  return Math.min(i + 1, text.length);
}

function endOfRegex(text: string, start: number): number {
  let inClass = false;
  let i = start + 1;
  for (; i < text.length && text[i] !== '\n'; i += text[i] === '\\' ? 2 : 1) {
    if (text[i] === '[') inClass = true;
    else if (text[i] === ']') inClass = false;
    else if (text[i] === '/' && !inClass) break;
  }
  return Math.min(i + 1, text.length);
}
