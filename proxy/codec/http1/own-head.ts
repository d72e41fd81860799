/** Heads that the proxy says itself, from their text. */
import { Head } from '../../model/head.ts';
import { HEAD_DONE, type HeadKind, HeadParser } from './head-parser.ts';

/** What the proxy says itself is no peer's: the limits on peers' heads may be lower. */
const OWN_HEAD = { headBytesMax: 16 * 1024, fieldCountMax: 16, targetBytesMax: 1024 };

/** The head at the start of `text`; throws where that is none. */
export function ownHead(kind: HeadKind, text: Buffer): Head {
  const parser = new HeadParser(new Head(), OWN_HEAD);
  parser.start(kind);
  if (parser.parse(text, 0, text.length) !== HEAD_DONE) throw new Error('our own head is none');
  return parser.head;
}
