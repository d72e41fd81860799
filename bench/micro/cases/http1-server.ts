/** One request on a downstream connection, answered by an exchange that does nothing else. */
import { Http1Server } from '../../../proxy/session/http1-server.ts';
import { ANSWER, BODY, REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { CaseSide } from '../server-side.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

export const http1Server: readonly MicroCase[] = [
  {
    name: 'http1-server exchange',
    setup: () => {
      const side = new CaseSide();
      const link = new SinkLink(DEAF);
      const server = new Http1Server(side, link);
      link.events = server;
      side.wheel.stop();
      const response = headOf(RESPONSE, 'response');
      return {
        run: () => {
          server.onBytes(REQUEST, 0, REQUEST.length);
          side.downstream.responseHead(response, BODY.length);
          side.downstream.responseData(BODY, 0, BODY.length);
          side.downstream.responseEnd();
          return link.settle();
        },
        expected: ANSWER.length - 'Connection: keep-alive\r\n'.length,
      };
    },
  },
];
