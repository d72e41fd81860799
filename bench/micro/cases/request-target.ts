/** The authority and path of a request. */
import { readRequestTarget } from '../../../proxy/codec/http1/request-target.ts';
import { REQUEST, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

export const requestTarget: readonly MicroCase[] = [
  {
    name: 'request-target',
    setup: () => {
      const head = headOf(REQUEST, 'request');
      return { run: () => (readRequestTarget(head) === 'ok' ? 1 : 0), expected: 1 };
    },
  },
];
