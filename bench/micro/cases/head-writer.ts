/** Heads as they go on to the next hop. */
import { writeRequestHead, writeResponseHead } from '../../../proxy/codec/http1/head-writer.ts';
import { REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

const OPTIONS = { chunked: false, empty: false, connection: undefined };

export const headWriter: readonly MicroCase[] = [
  {
    name: 'head-writer request',
    setup: () => {
      const head = headOf(REQUEST, 'request');
      const out = Buffer.alloc(1024);
      return {
        run: () => writeRequestHead(out, 0, head, { chunked: false, host: 'web', added: '' }),
        expected: REQUEST.length,
      };
    },
  },
  {
    name: 'head-writer response',
    setup: () => {
      const head = headOf(RESPONSE, 'response');
      const out = Buffer.alloc(1024);
      const expected = RESPONSE.length - 'Connection: keep-alive\r\n'.length;
      return {
        run: () => writeResponseHead(out, 0, head, OPTIONS),
        expected,
      };
    },
  },
];
