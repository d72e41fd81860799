/**
 * The head parsers of one thread that nobody uses. One with its head is over a kilobyte, and hardly any
 * head comes in more than one piece: so one is enough for most threads, where one a connection was made.
 */
import { type HeadKind, HeadParser } from '../codec/http1/head-parser.ts';
import { limits } from '../limits.ts';
import { Head } from '../model/head.ts';

const IDLE_MAX = 16;
const idle: HeadParser[] = [];

/** HOT: per exchange. One that has just started. */
export function takeHeadParser(kind: HeadKind): HeadParser {
  const parser = idle.pop() ?? new HeadParser(new Head(), limits);
  parser.start(kind);
  return parser;
}

/** HOT: per exchange. Nobody looks at it or at its head any more: both were lent for a call. */
export function giveHeadParser(parser: HeadParser): void {
  if (idle.length === IDLE_MAX) return;
  parser.head.bytes = NOTHING;
  idle.push(parser);
}

const NOTHING = Buffer.alloc(0);
