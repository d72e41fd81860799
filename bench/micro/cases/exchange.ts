/** An exchange between a server and a client session that do nothing. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { Exchange } from '../../../proxy/attempt/exchange.ts';
import { isIdempotent } from '../../../proxy/attempt/idempotent.ts';
import { Observed } from '../../../proxy/attempt/observed.ts';
import { Replay } from '../../../proxy/attempt/replay.ts';
import type { ResponseSink, UpstreamStream } from '../../../proxy/model/exchange.ts';
import { destination } from '../destination.ts';
import { BODY, REQUEST, RESPONSE, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';

/** Ends of the chain: what passes is counted. */
class Ends implements ResponseSink, UpstreamStream {
  readonly protocol = 'http1';
  readonly served = 1;
  sink: ResponseSink | undefined = undefined;
  answered = 0;
  request(_head: unknown, _body: number, sink: ResponseSink): void {
    this.sink = sink;
  }
  requestData(): void {}
  requestTrailers(): void {}
  requestEnd(): void {}
  requestReset(): void {}
  responseCredit(): void {}
  close(): void {}
  responseInformational(): void {}
  responseHead(): void {}
  responseData(): void {}
  responseTrailers(): void {}
  responseEnd(): void {
    this.answered++;
  }
  responseReset(): void {}
  requestCredit(): void {}
  requestUnwanted(): void {}
}

export const exchange: readonly MicroCase[] = [
  {
    name: 'exchange',
    setup: () => {
      const found = destination();
      const ends = new Ends();
      const parts = {
        direction: 'outbound' as const,
        connects: false,
        nowUs: () => 1,
        wheel: new TimerWheel(100, () => 0),
        resolve: () => found,
        whenResolved: () => undefined,
        take: () => ends,
        dial: () => undefined,
        putBack: () => undefined,
        observe: undefined,
        failed: () => undefined,
      };
      const one = new Exchange(parts, () => undefined);
      const request = headOf(REQUEST, 'request');
      const response = headOf(RESPONSE, 'response');
      return {
        run: () => {
          ends.answered = 0;
          one.open(ends, request, 0, 'http1');
          one.requestEnd();
          ends.sink?.responseHead(response, BODY.length);
          ends.sink?.responseData(BODY, 0, BODY.length);
          ends.sink?.responseEnd();
          return ends.answered;
        },
        expected: 1,
      };
    },
  },
  {
    name: 'exchange observed',
    setup: () => {
      const seen = new Observed({
        direction: 'outbound',
        nowUs: () => 1,
        observe: undefined,
      });
      const response = headOf(RESPONSE, 'response');
      return {
        run: () => {
          seen.begin();
          seen.attemptStarts();
          seen.headOut(response);
          seen.end();
          return seen.status;
        },
        expected: 200,
      };
    },
  },
  {
    name: 'body held for a replay',
    setup: () => {
      const replay = new Replay();
      const ends = new Ends();
      const request = headOf(REQUEST, 'request');
      return {
        run: () => {
          replay.begin(ends, request);
          replay.hold(BODY, 0, BODY.length);
          const credit = replay.credit(BODY.length);
          replay.clear();
          return credit;
        },
        expected: BODY.length,
      };
    },
  },
  {
    name: 'idempotent method',
    setup: () => {
      const request = headOf(REQUEST, 'request');
      return { run: () => (isIdempotent(request) ? 1 : 0), expected: 1 };
    },
  },
];
