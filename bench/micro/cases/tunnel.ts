/** Finding out what is spoken, and carrying what nobody reads. */
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { opensHttp1 } from '../../../proxy/codec/http1/opening.ts';
import { DETECTION_COUNTS, DetectionCounter } from '../../../proxy/observe/detection-counts.ts';
import { Tunnel } from '../../../proxy/session/tunnel.ts';
import { REQUEST } from '../messages.ts';
import type { MicroCase } from '../micro-case.ts';
import { DEAF, SinkLink } from '../sink-link.ts';

const BYTES = Buffer.alloc(16_384, 'x');
const GREETING = Buffer.from('EHLO mail.example.com\r\n');

export const tunnel: readonly MicroCase[] = [
  {
    name: 'opens as HTTP/1',
    setup: () => ({
      run: () => (opensHttp1(REQUEST, 0, REQUEST.length) === 'yes' ? 1 : 0),
      expected: 1,
    }),
  },
  {
    name: 'opens as something else',
    setup: () => ({
      run: () => (opensHttp1(GREETING, 0, GREETING.length) === 'no' ? 1 : 0),
      expected: 1,
    }),
  },
  {
    name: 'tunnel 16 KiB',
    setup: () => {
      const down = new SinkLink(DEAF);
      const up = new SinkLink(DEAF);
      const wheel = new TimerWheel(100, () => 0);
      const joined = new Tunnel({ wheel, closed() {} }, down, { link: up, over() {} });
      down.events = joined;
      up.events = joined.upstream;
      wheel.stop();
      return {
        run: () => {
          down.events.onBytes(BYTES, 0, BYTES.length);
          return up.settle();
        },
        expected: BYTES.length,
      };
    },
  },
  {
    name: 'detection counted',
    setup: () => {
      const counts = new Float64Array(DETECTION_COUNTS);
      const counter = new DetectionCounter(counts, 'inbound', 80, () => true);
      return {
        run: () => {
          counter.add('http1', 50, false);
          return 1;
        },
        expected: 1,
      };
    },
  },
];
