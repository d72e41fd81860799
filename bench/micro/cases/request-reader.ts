/** The reading half of a server session. */
import { RequestReader } from '../../../proxy/session/request-reader.ts';
import { REQUEST } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

export const requestReader: readonly MicroCase[] = [
  {
    name: 'request-reader GET',
    setup: () => {
      let complete = 0;
      const events = {
        blocked: false,
        bodyData: () => undefined,
        bodyTrailers: () => undefined,
        requestBegun: () => undefined,
        requestHead: () => undefined,
        requestFault: () => undefined,
        requestComplete: () => void complete++,
        tunnelData: () => undefined,
      };
      const reader = new RequestReader(events);
      return {
        run: () => {
          complete = 0;
          reader.read(REQUEST, 0, REQUEST.length);
          reader.next();
          return complete;
        },
        expected: 1,
      };
    },
  },
];
