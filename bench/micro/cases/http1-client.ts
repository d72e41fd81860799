/** One request and its answer on a pooled upstream connection. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import type { ResponseSink } from '../../../proxy/model/exchange.ts';
import { Http1Client } from '../../../proxy/session/http1-client.ts';
import { type Head, TUNNEL_UPGRADE } from '../../../proxy/model/head.ts';
import { ANSWER, BODY, REQUEST, headOf } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { SinkLink } from '../sink-link.ts';

/** Counts the data of answers. */
class Reader implements ResponseSink {
  bytes = 0;
  responseInformational(): void {}
  responseHead(): void {}
  responseData(_bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
  }
  responseTrailers(): void {}
  responseEnd(): void {}
  responseReset(): void {}
  requestCredit(): void {}
  requestUnwanted(): void {}
}

const UPGRADE = Buffer.from(
  'GET /a HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
);
const SWITCHING = Buffer.from('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');

function upgradeHead(): Head {
  const head = headOf(UPGRADE, 'request');
  head.tunnel = TUNNEL_UPGRADE;
  return head;
}

export const http1Client: readonly MicroCase[] = [
  {
    name: 'http1-client exchange',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      const owner = { wheel, opened() {}, failed() {}, released() {}, closed() {} };
      const client = new Http1Client(owner, '127.0.0.1:8000');
      const link = new SinkLink(client);
      client.attach(link);
      client.onOpen();
      wheel.stop();
      const head = headOf(REQUEST, 'request');
      const reader = new Reader();
      return {
        run: () => {
          reader.bytes = 0;
          client.request(head, 0, reader);
          client.requestEnd();
          link.settle();
          client.onBytes(ANSWER, 0, ANSWER.length);
          return reader.bytes;
        },
        expected: BODY.length,
      };
    },
  },
  {
    name: 'http1-client tunnel, a piece each way',
    setup: () => {
      const wheel = new TimerWheel(100, () => 0);
      const owner = { wheel, opened() {}, failed() {}, released() {}, closed() {} };
      const client = new Http1Client(owner, '127.0.0.1:8000');
      const link = new SinkLink(client);
      client.attach(link);
      client.onOpen();
      wheel.stop();
      const reader = new Reader();
      client.request(upgradeHead(), 0, reader);
      client.requestEnd();
      link.settle();
      client.onBytes(SWITCHING, 0, SWITCHING.length);
      return {
        run: () => {
          reader.bytes = 0;
          link.events.onBytes(BODY, 0, BODY.length);
          client.responseCredit(BODY.length);
          client.requestData(BODY, 0, BODY.length);
          return reader.bytes + link.settle();
        },
        expected: 2 * BODY.length,
      };
    },
  },
];
