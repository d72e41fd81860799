/** HTTP/2 sessions on links in memory: a scripted peer at one end, exchanges in a test's hands. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Timer } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../../proxy/limits.ts';
import type {
  Protocol,
  RequestSink,
  ResponseSink,
  UpstreamStream,
} from '../../proxy/model/exchange.ts';
import type { Head } from '../../proxy/model/head.ts';
import type { Http2Limit } from '../../proxy/model/http2-limit.ts';
import type { MeshError } from '../../proxy/model/mesh-error.ts';
import { Http2Client, type Http2ClientOwner } from '../../proxy/session/http2-client.ts';
import { Http2Server } from '../../proxy/session/http2-server.ts';
import type { Link } from '../../proxy/transport/link.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { parseHead, requestHead } from './heads.ts';
import { Http2MemoryPeer } from './http2-memory-peer.ts';
import { PREFACE, settings, settingsAck } from './http2-wire.ts';
import { MemoryWorld, newLinkCounts } from './memory-world.ts';
import { StrictRequest, StrictResponse } from './strict-sinks.ts';

/** Puts other limits and times in force until the test is over. */
export function withLimits(
  t: TestContext,
  values: Partial<typeof limits>,
  times: Partial<typeof timeouts> = {},
): void {
  const before = [{ ...limits }, { ...timeouts }] as const;
  Object.assign(limits, values);
  Object.assign(timeouts, times);
  t.after(() => {
    Object.assign(limits, before[0]);
    Object.assign(timeouts, before[1]);
  });
}

const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const ADDRESS = { host: '127.0.0.1', port: 80 };

/** A setting: its id and its value. */
export type SettingPair = readonly [id: number, value: number];

/** What both benches have in common. */
class Http2Bench {
  readonly world: MemoryWorld;
  /** The scripted end, and the session's. */
  peer!: Http2MemoryPeer;
  link!: Link;
  readonly limitHits: Http2Limit[] = [];
  readonly #timers = new Set<Timer>();

  constructor(options: MemoryOptions) {
    this.world = new MemoryWorld(options);
    const { wheel } = this.world.clock;
    const set = wheel.set.bind(wheel);
    wheel.set = (timer, delayMs) => {
      this.#timers.add(timer);
      set(timer, delayMs);
    };
  }

  /** Timers of the session that are armed. */
  get armed(): number {
    return [...this.#timers].filter((timer) => timer.armed).length;
  }

  run(work: () => void): void {
    this.world.clock.turn.run(work);
    this.world.run();
  }

  /** The scripted end has given no more than it got back, and nothing is left. */
  protected finish(): void {
    const { peer, world } = this;
    assert(
      peer.peer.closed || peer.credit >= limits.connectionWindowBytes / 2,
      `the connection lost credit: ${peer.credit} left`,
    );
    assert.deepEqual(peer.referee.violations, []);
    if (!peer.peer.closed) peer.peer.reset();
    world.run();
    assert.deepEqual([world.transport.slabs.out, this.armed], [0, 0], 'slabs and timers');
  }
}

/** A server session with a scripted client at its link. */
export class Http2ServerBench extends Http2Bench {
  readonly exchanges: StrictRequest[] = [];
  /** For tests that answer them in their turn. */
  readonly opened: StrictRequest[] = [];
  readonly refused: string[] = [];
  /** What the requests are said to have come by. */
  readonly protocols: Protocol[] = [];
  session!: Http2Server;
  /** Who had each stream of the session last. */
  readonly #users = new Map<ResponseSink, StrictRequest>();
  closed = 0;
  /** Called within `open`. */
  onOpen: (exchange: StrictRequest) => void = () => undefined;

  /** `values`: the client's SETTINGS; 'silent' says nothing, not even the preface. */
  static async start(
    values: readonly SettingPair[] | 'silent' = [],
    options: MemoryOptions & { local?: boolean; idleMs?: number } = {},
  ): Promise<Http2ServerBench> {
    const bench = new Http2ServerBench(options);
    const { world } = bench;
    const { idleMs, local = false } = options;
    await world.transport.listen(ADDRESS, newLinkCounts(), (link) => {
      const side = {
        wheel: world.clock.wheel,
        local,
        ...(idleMs === undefined ? {} : { idleMs }),
        goodbye: () => false,
        open: (
          downstream: ResponseSink,
          head: Head,
          body: number,
          protocol: Protocol,
        ): RequestSink => {
          const exchange = new StrictRequest(downstream, head, body);
          assert(bench.#users.get(downstream)?.over ?? true, 'a stream of two exchanges at a time');
          bench.#users.set(downstream, exchange);
          bench.protocols.push(protocol);
          bench.exchanges.push(exchange);
          bench.onOpen(exchange);
          return exchange;
        },
        refused: (error: MeshError) => bench.refused.push(error.code),
        limitHit: (limit: Http2Limit) => bench.limitHits.push(limit),
        closed: () => bench.closed++,
      };
      bench.link = link;
      bench.session = new Http2Server(side, link);
      return bench.session;
    });
    bench.peer = new Http2MemoryPeer(world, world.connect(ADDRESS), 'client');
    world.run();
    if (values !== 'silent') bench.peer.send(PREFACE, settings(...values), settingsAck());
    bench.peer.take();
    return bench;
  }

  get last(): StrictRequest {
    const last = this.exchanges.at(-1);
    assert(last !== undefined, 'no exchange was opened');
    return last;
  }

  /** Head of an answer. */
  head(exchange: StrictRequest, text = 'HTTP/1.1 200 \r\n\r\n', body = -1): void {
    this.run(() => exchange.head(parseHead('response', text), body));
  }

  data(exchange: StrictRequest, what: string | Buffer): void {
    const bytes = typeof what === 'string' ? Buffer.from(what, 'latin1') : what;
    this.run(() => exchange.data(bytes));
  }

  end(exchange: StrictRequest): void {
    this.run(() => exchange.end());
  }

  /** A whole answer. */
  answer(exchange: StrictRequest, text = 'ok'): void {
    this.run(() => {
      exchange.head(parseHead('response', 'HTTP/1.1 200 \r\n\r\n'), -1);
      if (text !== '') exchange.data(Buffer.from(text, 'latin1'));
      exchange.end();
    });
  }

  override finish(): void {
    super.finish();
    assert.deepEqual([this.closed, this.session.idle], [1, true], 'closed once, without streams');
  }
}

/** A client session with a scripted server at its link. */
export class Http2ClientBench extends Http2Bench implements Http2ClientOwner {
  readonly wheel;
  speaksHttp2 = true;
  readonly streamsLast: boolean;
  /** What the session told its owner. */
  readonly heard: string[] = [];
  readonly session: Http2Client;
  /** Who had each stream of the session last. */
  readonly #users = new Map<UpstreamStream, ClientExchange>();

  constructor(options: MemoryOptions, firstStream: number, streamsLast = false) {
    super(options);
    this.streamsLast = streamsLast;
    this.wheel = this.world.clock.wheel;
    this.session = new Http2Client(this, '127.0.0.1:80', firstStream);
  }

  /** `values`: the server's SETTINGS; 'silent' says nothing. */
  static async start(
    values: readonly SettingPair[] | 'silent' = [],
    options: MemoryOptions & { firstStream?: number; streamsLast?: boolean } = {},
  ): Promise<Http2ClientBench> {
    const { firstStream = 1, streamsLast = false } = options;
    const bench = new Http2ClientBench(options, firstStream, streamsLast);
    const { world } = bench;
    const peers = await world.serve(ADDRESS);
    bench.dial();
    const peer = peers[0];
    assert(peer !== undefined);
    const text = peer.take();
    assert.equal(text.slice(0, PREFACE.length), PREFACE.toString('latin1'));
    peer.keep(text.slice(PREFACE.length));
    bench.peer = new Http2MemoryPeer(world, peer, 'server');
    if (values !== 'silent') {
      assert.deepEqual(bench.heard, []);
      bench.peer.send(settings(...values), settingsAck());
      assert.deepEqual(bench.heard.splice(0), ['opened']);
    }
    bench.peer.take();
    return bench;
  }

  dial(): void {
    const options = { ...ADDRESS, from: undefined, counts: newLinkCounts() };
    this.link = this.world.transport.dial(options, this.session);
    this.session.attach(this.link);
    this.world.run();
  }

  opened(): void {
    this.heard.push('opened');
  }

  failed(_session: Http2Client, error: MeshError): void {
    this.heard.push(`failed ${error.code} ${error.retry}`);
  }

  available(): void {
    this.heard.push('available');
  }

  retiring(): void {
    this.heard.push('retiring');
  }

  idle(): void {
    this.heard.push('idle');
  }

  limitHit(limit: Http2Limit): void {
    this.limitHits.push(limit);
  }

  closed(): void {
    this.heard.push('closed');
  }

  /** Sends a request; without a body it is whole. */
  ask(text = GET, body = 0): ClientExchange {
    return this.use(this.session.open(), text, body);
  }

  /** Sends it on a stream that was taken before. */
  use(stream: UpstreamStream, text = GET, body = 0): ClientExchange {
    const exchange = new ClientExchange(this, stream);
    assert(this.#users.get(stream)?.sink.over ?? true, 'a stream of two attempts at a time');
    this.#users.set(stream, exchange);
    exchange.request(text, body);
    return exchange;
  }

  override finish(): void {
    super.finish();
    const last = this.heard.at(-1) ?? '';
    assert.match(last, /^(closed|failed .*)$/);
    assert.equal(this.session.streams, 0);
  }
}

/** One attempt, as the exchange makes it. */
export class ClientExchange {
  readonly sink = new StrictResponse();
  readonly stream: UpstreamStream;
  readonly #bench: Http2ClientBench;

  constructor(bench: Http2ClientBench, stream: UpstreamStream) {
    this.#bench = bench;
    this.stream = stream;
  }

  get calls(): readonly string[] {
    return this.sink.calls;
  }

  request(text: string, body: number): void {
    this.#bench.run(() => {
      this.stream.request(requestHead(text), body, this.sink);
      if (body === 0) this.#end();
    });
  }

  data(what: string | Buffer): void {
    const bytes = typeof what === 'string' ? Buffer.from(what, 'latin1') : what;
    this.#bench.run(() => this.stream.requestData(bytes, 0, bytes.length));
  }

  end(): void {
    this.#bench.run(() => this.#end());
  }

  #end(): void {
    this.stream.requestEnd();
    this.sink.requestEnded();
  }

  reset(error: MeshError): void {
    this.sink.over = true;
    this.#bench.run(() => this.stream.requestReset(error));
  }

  credit(bytes: number): void {
    this.#bench.run(() => this.stream.responseCredit(bytes));
  }
}
