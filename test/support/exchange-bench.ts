/** An exchange between a test's downstream and a test's upstream connections. */
import type { DialWaiter, ExchangeParts } from '../../proxy/attempt/exchange-parts.ts';
import { Exchange } from '../../proxy/attempt/exchange.ts';
import type { Destination } from '../../proxy/model/destination.ts';
import { Endpoint } from '../../proxy/model/endpoint.ts';
import type {
  PortProtocol,
  Protocol,
  ResponseSink,
  UpstreamStream,
} from '../../proxy/model/exchange.ts';
import type { Head } from '../../proxy/model/head.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import { EVENT_END, EVENT_HEAD_IN } from '../../proxy/model/observation.ts';
import { MemoryClock } from '../../proxy/transport/memory-clock.ts';
import { endpointResource } from './endpoints.ts';
import { HeardRequest, HeardResponse } from './sinks.ts';

/** An upstream connection in a test's hands: it keeps what it is asked. */
export class HeardSession implements UpstreamStream {
  readonly name: string;
  readonly protocol: PortProtocol;
  served: number;
  /** Where the current answer goes; undefined while idle. */
  sink: ResponseSink | undefined = undefined;
  current: HeardRequest | undefined = undefined;
  credit = 0;
  closed = false;

  constructor(name: string, served = 0, protocol: PortProtocol = 'http1') {
    this.name = name;
    this.served = served;
    this.protocol = protocol;
  }

  get calls(): readonly string[] {
    return this.current?.calls ?? [];
  }

  request(head: Head, body: number, sink: ResponseSink): void {
    this.sink = sink;
    this.current = new HeardRequest(sink, head, body);
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.current?.requestData(bytes, start, end);
  }

  requestTrailers(trailers: Head): void {
    this.current?.requestTrailers(trailers);
  }

  requestEnd(): void {
    this.current?.requestEnd();
  }

  requestReset(error: MeshError): void {
    this.current?.requestReset(error);
    this.sink = undefined;
  }

  responseCredit(bytes: number): void {
    this.credit += bytes;
  }

  close(): void {
    this.closed = true;
  }

  /** Loses or refuses the current request, as a client session does. */
  fail(error: MeshError): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.responseReset(error);
  }

  /** Ends the current answer; the request has been sent whole. */
  finish(): void {
    const { sink } = this;
    this.sink = undefined;
    this.served++;
    sink?.responseEnd();
  }
}

/** What an exchange waits for. */
export interface Dial {
  readonly endpoint: Endpoint;
  readonly protocol: PortProtocol;
  readonly waiter: DialWaiter;
  /** The exchange went away. */
  left: boolean;
  /** It has told that its client may be gone. */
  hurried: boolean;
}

/** Everything an exchange asks of its surroundings, answered by the test. */
export class ExchangeBench {
  readonly clock = new MemoryClock();
  readonly endpoints: readonly Endpoint[];
  readonly destination: Destination;
  /** What `resolve` gives; undefined: later, through `tellResolved`. */
  found: Destination | MeshError | undefined;
  tellResolved: (found: Destination | MeshError) => void = () => undefined;
  readonly idle: HeardSession[] = [];
  readonly dials: Dial[] = [];
  /** Why a dial fails at once; undefined: it waits. */
  refusal: (endpoint: Endpoint) => MeshError | undefined = () => undefined;
  readonly returned: UpstreamStream[] = [];
  readonly errors: string[] = [];
  readonly free: Exchange[] = [];
  /** Ended exchanges, as they were observed. */
  readonly ended: { status: number; failed: boolean; cancelled: boolean; grpcStatus: number }[] =
    [];
  begun = 0;
  /** Of exchanges that are new. */
  connects = false;

  constructor(endpointCount: number) {
    this.endpoints = Array.from(
      { length: endpointCount },
      (_, i) => new Endpoint(endpointResource({ id: `e${i}`, host: `10.0.0.${i}` })),
    );
    this.destination = {
      authority: 'web:80',
      service: 'web',
      namespace: 'demo',
      port: 80,
      picker: { pick: (tried) => this.endpoints.find((each) => !tried.includes(each)) },
      routes: { nameOf: () => 'r', settle: (name) => name },
      endpoints: this.endpoints,
      readyCount: endpointCount,
    };
    this.found = this.destination;
  }

  get pending(): number {
    return this.endpoints.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Opens an exchange, a recycled one when there is one, as the stack does. */
  open(
    head: Head,
    body = 0,
    protocol: Protocol = 'http1',
  ): { exchange: Exchange; downstream: HeardResponse } {
    const downstream = new HeardResponse();
    const exchange = this.free.pop() ?? this.#newExchange();
    exchange.open(downstream, head, body, protocol);
    return { exchange, downstream };
  }

  #newExchange(): Exchange {
    const parts: ExchangeParts = {
      direction: 'outbound',
      connects: this.connects,
      nowUs: this.clock.nowUs,
      wheel: this.clock.wheel,
      resolve: () => this.found,
      whenResolved: (_head, tell) => {
        this.tellResolved = tell;
      },
      take: () => this.idle.pop(),
      dial: (endpoint, protocol, waiter) => {
        const dial = { endpoint, protocol, waiter, left: false, hurried: false };
        this.dials.push(dial);
        const refusal = this.refusal(endpoint);
        if (refusal !== undefined) {
          waiter.dialFailed(refusal);
          return undefined;
        }
        // As the pool: only those who wait for an HTTP/2 stream have a place to leave.
        if (protocol === 'http1') return undefined;
        return {
          leave: () => void (dial.left = true),
          hurry: () => void (dial.hurried = true),
        };
      },
      putBack: (session) => void this.returned.push(session),
      failed: (error) => void this.errors.push(error.code),
      observe: ({ status, failed, cancelled, grpcStatus }, event) => {
        if (event === EVENT_HEAD_IN) this.begun++;
        if (event === EVENT_END) this.ended.push({ status, failed, cancelled, grpcStatus });
      },
    };
    return new Exchange(parts, (over) => void this.free.push(over));
  }
}
