/**
 * The whole data path of one request and its answer, without sockets: what a proxy adds to four
 * system calls.
 */
import { Rng } from '../../../base/rng.ts';
import { TimerWheel } from '../../../base/timer-wheel.ts';
import { DETECTION_COUNTS, DetectionCounter } from '../../../proxy/observe/detection-counts.ts';
import { Recorder } from '../../../proxy/observe/recorder.ts';
import { OutboundStack, inboundStack } from '../../../proxy/stack.ts';
import { LINK_COUNTS, type Link, type LinkEvents } from '../../../proxy/transport/link.ts';
import { threadQuotas } from '../../../proxy/transport/link-quota.ts';
import { RESOURCE, TARGET } from '../destination.ts';
import { ANSWER, REQUEST } from '../messages.ts';
import type { MicroCase, Operation } from '../micro-case.ts';
import { DEAF, SinkLink, SinkTransport } from '../sink-link.ts';

type StackParts = ConstructorParameters<typeof OutboundStack>[0];

const APPLICATION = { host: '127.0.0.1', port: 8000 };
const UNDECLARED = { declared: () => undefined };

function partsOf(transport: SinkTransport): StackParts {
  const events = { added() {}, removed() {}, limited() {} };
  return {
    transport,
    wheel: new TimerWheel(100, () => 0),
    fineWheel: new TimerWheel(5, () => 0),
    nowUs: () => 1,
    rng: new Rng(1),
    dialFrom: undefined,
    counts: {
      links: () => new Float64Array(LINK_COUNTS),
      detectionCounter: (direction, port, reached) =>
        new DetectionCounter(new Float64Array(DETECTION_COUNTS), direction, port, reached),
    },
    observe: new Recorder(events, () => 1).observe,
    isOwnListener: () => false,
    failed: (_direction, error) => {
      throw new Error(error.sentence);
    },
    limitHit: (_direction, limit) => {
      throw new Error(limit);
    },
    downstreamLinks: () => 1,
    quotas: threadQuotas(),
    ports: { inbound: UNDECLARED, outbound: UNDECLARED },
    refusedLink: () => undefined,
    emptied: () => undefined,
  };
}

/** One connection in, one out: both ends taken turn by turn, as bytes come. */
function exchanges(parts: StackParts, transport: SinkTransport, accept: Accept): Operation {
  const downstream = new SinkLink(DEAF);
  downstream.events = accept(downstream);
  const step = (): number => {
    downstream.events.onBytes(REQUEST, 0, REQUEST.length);
    const upstream = transport.dialled[0];
    if (upstream === undefined) return 0;
    if (upstream.unsentBytes === 0) upstream.events.onOpen();
    upstream.settle();
    upstream.events.onBytes(ANSWER, 0, ANSWER.length);
    return downstream.settle();
  };
  step();
  parts.wheel.stop();
  return { run: step, expected: ANSWER.length - 'Connection: keep-alive\r\n'.length };
}

type Accept = (link: Link) => LinkEvents;

export const stack: readonly MicroCase[] = [
  {
    name: 'stack inbound',
    setup: () => {
      const transport = new SinkTransport();
      const parts = partsOf(transport);
      return exchanges(parts, transport, inboundStack(parts, APPLICATION).accept);
    },
  },
  {
    name: 'stack outbound',
    setup: () => {
      const transport = new SinkTransport();
      const parts = partsOf(transport);
      const outbound = new OutboundStack(parts, {
        subscribe: undefined,
        unsubscribe: () => undefined,
        fallback: undefined,
      });
      outbound.destinations.install(TARGET, RESOURCE, false);
      return exchanges(parts, transport, outbound.downstreams(undefined).accept);
    },
  },
];
