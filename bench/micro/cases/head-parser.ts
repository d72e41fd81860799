/** Heads, whole in one piece as they nearly always come, and cut in two. */
import { HEAD_DONE, type HeadKind, HeadParser } from '../../../proxy/codec/http1/head-parser.ts';
import { parseWholeHead } from '../../../proxy/codec/http1/whole-head.ts';
import { Head } from '../../../proxy/model/head.ts';
import { HEAD_LIMITS, REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

const parse = (kind: HeadKind, bytes: Buffer): MicroCase => ({
  name: `head-parser ${kind}`,
  setup: () => {
    const parser = new HeadParser(new Head(), HEAD_LIMITS);
    return {
      run: () => {
        parser.start(kind);
        return parser.parse(bytes, 0, bytes.length) === HEAD_DONE ? parser.head.length : -1;
      },
      expected: bytes.length,
    };
  },
});

const parseInTwo = (kind: HeadKind, bytes: Buffer): MicroCase => ({
  name: `head-parser ${kind} in two pieces`,
  setup: () => {
    const parser = new HeadParser(new Head(), HEAD_LIMITS);
    const cut = bytes.length >> 1;
    return {
      run: () => {
        parser.start(kind);
        parser.parse(bytes, 0, cut);
        return parser.parse(bytes, 0, bytes.length) === HEAD_DONE ? parser.head.length : -1;
      },
      expected: bytes.length,
    };
  },
});

const whole = (kind: HeadKind, bytes: Buffer): MicroCase => ({
  name: `whole-head ${kind}`,
  setup: () => {
    const head = new Head();
    return {
      run: () => {
        head.clear();
        return parseWholeHead(head, kind === 'request', bytes, 0, bytes.length, HEAD_LIMITS);
      },
      expected: bytes.length,
    };
  },
});

export const headParser: readonly MicroCase[] = [
  parse('request', REQUEST),
  parse('response', RESPONSE),
  parseInTwo('request', REQUEST),
  whole('request', REQUEST),
  whole('response', RESPONSE),
  {
    name: 'head own, of an origin it has',
    setup: () => {
      const head = headOf(REQUEST, 'request');
      head.origin = { serial: 1 };
      const kept = new Head();
      const run = (): number => {
        kept.own(head);
        return kept.length;
      };
      return { run, expected: head.length };
    },
  },
  {
    name: 'head own',
    setup: () => {
      const parser = new HeadParser(new Head(), HEAD_LIMITS);
      parser.start('request');
      parser.parse(REQUEST, 0, REQUEST.length);
      const kept = new Head();
      return {
        run: () => {
          kept.own(parser.head);
          return kept.length;
        },
        expected: REQUEST.length,
      };
    },
  },
];
