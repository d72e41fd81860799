/** Damages messages at random, as a fuzzer does: small changes at places that matter. */
import type { Random } from './random.ts';

/** What parsers trip over, and what smuggles. */
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '"',
  '\x7f',
  '\xff',
  '\r\n\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'ffffffffffffffff\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: -1\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Expect: 100-continue\r\n',
  'Host: other\r\n',
  'HTTP/1.0',
  'HTTP/9.9',
  'GET / HTTP/1.1\r\nHost: web\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  `X-Long: ${'a'.repeat(70_000)}\r\n`,
];

type Mutation = (random: Random, text: string, at: number) => string;

const cut = (random: Random, text: string, at: number): [string, string, string] => {
  const size = random.integer(1, Math.max(1, Math.min(20, text.length - at)));
  return [text.slice(0, at), text.slice(at, at + size), text.slice(at + size)];
};

const MUTATIONS: readonly Mutation[] = [
  (random, text, at) => text.slice(0, at) + random.pick(TOKENS) + text.slice(at),
  (random, text, at) => text.slice(0, at) + random.pick(TOKENS) + text.slice(at + 1),
  (random, text, at) =>
    text.slice(0, at) + String.fromCodePoint(random.integer(0, 255)) + text.slice(at + 1),
  (random, text, at) => {
    const [before, , after] = cut(random, text, at);
    return before + after;
  },
  (random, text, at) => {
    const [before, part, after] = cut(random, text, at);
    return before + part.repeat(random.integer(2, 5)) + after;
  },
  (_random, text, at) => text.slice(0, at),
  // The next number is another one.
  (random, text, at) =>
    text.slice(0, at) +
    text.slice(at).replace(/\d+/, String(random.integer(0, random.pick([9, 999, 2 ** 31])))),
];

/** `text` (latin1) with one to four changes. */
export function mutate(random: Random, text: string): string {
  let mutated = text;
  for (let left = random.integer(1, 4); left > 0; left--) {
    mutated = random.pick(MUTATIONS)(random, mutated, random.integer(0, mutated.length));
  }
  return mutated;
}

/** Where to cut `text` into at most four pieces, ascending. */
export const randomOffsets = (random: Random, text: string): number[] =>
  Array.from({ length: random.integer(0, 3) }, () => random.integer(0, text.length)).toSorted(
    (a, b) => a - b,
  );
