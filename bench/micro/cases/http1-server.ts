/** One request on a downstream connection, answered by an exchange that does nothing else. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import type { RequestSink, ResponseSink } from '../../../proxy/model/exchange.ts';
import { Http1Server } from '../../../proxy/session/http1-server.ts';
import { ANSWER, BODY, REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

const REQUEST_SINK: RequestSink = {
  requestData() {},
  requestTrailers() {},
  requestEnd() {},
  requestReset() {},
  responseCredit() {},
};

export const http1Server: readonly MicroCase[] = [
  {
    name: 'http1-server exchange',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      let downstream: ResponseSink | undefined;
      const side = {
        wheel,
        local: true,
        goodbye: () => false,
        open: (opened: ResponseSink) => {
          downstream = opened;
          return REQUEST_SINK;
        },
        refused: () => undefined,
        limitHit: () => undefined,
        closed: () => undefined,
      };
      const link = new SinkLink(DEAF);
      const server = new Http1Server(side, link);
      link.events = server;
      wheel.stop();
      const response = headOf(RESPONSE, 'response');
      return {
        run: () => {
          server.onBytes(REQUEST, 0, REQUEST.length);
          downstream?.responseHead(response, BODY.length);
          downstream?.responseData(BODY, 0, BODY.length);
          downstream?.responseEnd();
          return link.settle();
        },
        expected: ANSWER.length - 'Connection: keep-alive\r\n'.length,
      };
    },
  },
];
