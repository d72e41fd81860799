/** What a request asks for: authority and path, another protocol, its connection. */
import { keepsConnection } from '../../../proxy/codec/http1/keep-alive.ts';
import { readRequestTarget } from '../../../proxy/codec/http1/request-target.ts';
import { offeredProtocols } from '../../../proxy/codec/http1/upgrade.ts';
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
  {
    name: 'no upgrade, and a connection that is kept',
    setup: () => {
      const head = headOf(REQUEST, 'request');
      return {
        run: () => offeredProtocols(head).length + (keepsConnection(head) ? 1 : 0),
        expected: 1,
      };
    },
  },
];
