/** What a server session needs around it, for cases that serve one exchange at a time. */
import { TimerWheel } from '../../base/timer-wheel.ts';
import type { RequestSink, ResponseSink } from '../../proxy/model/exchange.ts';

/** Takes either half of an exchange, and does nothing with it. */
export const NOTHING: RequestSink & ResponseSink = {
  requestData() {},
  requestTrailers() {},
  requestEnd() {},
  requestReset() {},
  responseCredit() {},
  responseInformational() {},
  responseHead() {},
  responseData() {},
  responseTrailers() {},
  responseEnd() {},
  responseReset() {},
  requestCredit() {},
  requestUnwanted() {},
};

const ignore = (): void => undefined;

/** The session's side of the proxy: requests go nowhere, the case writes their answers. */
export class CaseSide {
  /** The case stops it, or the process would not end. */
  readonly wheel = new TimerWheel(100, () => 0);
  readonly local = true;
  readonly goodbye = (): boolean => false;
  readonly refused = ignore;
  readonly limitHit = ignore;
  readonly closed = ignore;
  /** Where the answer to the exchange that was opened last goes. */
  downstream: ResponseSink = NOTHING;
  readonly open = (downstream: ResponseSink): RequestSink => {
    this.downstream = downstream;
    return NOTHING;
  };
}
