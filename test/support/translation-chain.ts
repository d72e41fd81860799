/**
 * Two sidecars in memory, an outbound one and an inbound one behind it, with ends that speak one
 * protocol and the hop between that speaks the other. Whole random exchanges go through it; each is
 * compared at both ends.
 */
import assert from 'node:assert/strict';
import type { Downstreams } from '../../proxy/accept/downstreams.ts';
import { timeouts } from '../../proxy/limits.ts';
import type { Protocol } from '../../proxy/model/exchange.ts';
import { unlabelledDestination } from '../../proxy/route/unlabelled.ts';
import { OutboundStack, inboundStack } from '../../proxy/stack.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import {
  assertRequest,
  assertResponse,
  type ExchangeMessages,
  type RequestMessage,
  requestOfStream,
  requestOfText,
  responseOfStream,
  responseOfText,
} from './exchange-message.ts';
import { requestFrames, requestText, responseFrames, responseText } from './exchange-wire.ts';
import { readRequests, readResponses } from './http1-text.ts';
import { Http2End } from './http2-end.ts';
import type { MemoryPeer } from './memory-world.ts';
import type { Random } from './random.ts';
import { valuesOf } from './raw-http.ts';
import { APPLICATION, LISTEN, StackBench } from './stack-bench.ts';

/** Where the inbound sidecar listens. */
const BETWEEN = { host: '127.0.0.1', port: 4144 };
const TARGET = { originalDst: undefined, authority: 'web', port: 80 };

/** The stream of a client's exchange `i`. */
const streamOf = (i: number): number => 2 * i + 1;

/** A client, and how to read what it got. */
interface Client {
  readonly peer: MemoryPeer;
  /** Fails unless every answer came, as it was sent. */
  readonly check: () => void;
}

export class TranslationChain {
  readonly bench: StackBench;
  readonly #ends: Protocol;
  readonly #random: Random;
  readonly #exchanges: readonly ExchangeMessages[];
  readonly #inbound: Downstreams;
  readonly #http2Ends: Http2End[] = [];
  /** What an application found wrong first: it cannot throw where it stands. */
  #fault: Error | undefined = undefined;
  /** Requests that reached the application, by id. */
  readonly arrived = new Set<number>();

  private constructor(
    ends: Protocol,
    exchanges: readonly ExchangeMessages[],
    random: Random,
    options: MemoryOptions,
  ) {
    this.#ends = ends;
    this.#exchanges = exchanges;
    this.#random = random;
    this.bench = new StackBench(options);
    this.#inbound = inboundStack(this.bench.parts, { ...APPLICATION, protocol: ends });
  }

  /** `ends` is what clients and applications speak. */
  static async open(
    ends: Protocol,
    exchanges: readonly ExchangeMessages[],
    random: Random,
    options: MemoryOptions,
  ): Promise<TranslationChain> {
    const chain = new TranslationChain(ends, exchanges, random, options);
    const { bench } = chain;
    const serve = ends === 'http1' ? chain.#serveText : chain.#acceptHttp2;
    await bench.world.serve(APPLICATION, serve);
    const counts = bench.counts.links('inbound', 'src');
    const { accept } = chain.#inbound;
    chain.#inbound.add(await bench.world.transport.listen(BETWEEN, counts, accept));
    const outbound = new OutboundStack(bench.parts, {
      subscribe: undefined,
      unsubscribe: () => undefined,
      fallback: undefined,
    });
    const between = ends === 'http1' ? 'http2' : 'http1';
    const endpoint = { ...BETWEEN, protocol: between } as const;
    const resource = unlabelledDestination('web', 'web', 80, [endpoint]);
    outbound.destinations.install(TARGET, resource, false);
    await bench.open('outbound', outbound.downstreams(TARGET));
    return chain;
  }

  // ---- applications ----

  /** The exchange that `request` begins, once it is seen to be as it was sent. */
  #begun(request: RequestMessage): ExchangeMessages {
    const id = Number(valuesOf(request.fields, 'x-id')[0]);
    const exchange = this.#exchanges[id];
    assert(exchange !== undefined && !this.arrived.has(id), `a request of the number ${id}`);
    this.arrived.add(id);
    assertRequest(exchange.request, request);
    return exchange;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  readonly #serveText = (peer: MemoryPeer): void =>
    this.#guarded(() => {
      const { messages, rest } = readRequests(peer.text);
      if (messages.length === 0) return;
      peer.take();
      peer.keep(rest);
      for (const message of messages) {
        const { request, response } = this.#begun(requestOfText(message));
        const { text, ends } = responseText(this.#random, request.method, response);
        peer.send(text);
        if (ends) peer.end();
      }
    });

  readonly #acceptHttp2 = (peer: MemoryPeer): void =>
    this.#guarded(() => {
      const answered = new Set<number>();
      const end = Http2End.accepted(this.bench.world, peer, (it) =>
        this.#guarded(() => this.#serveStreams(it, answered)),
      );
      if (end !== undefined) this.#http2Ends.push(end);
    });

  #serveStreams(end: Http2End, answered: Set<number>): void {
    for (const [id, { ended }] of end.wire.streams) {
      if (!ended || answered.has(id)) continue;
      answered.add(id);
      const { response } = this.#begun(requestOfStream(end.wire, id));
      end.send(id, responseFrames(this.#random, id, response));
    }
  }

  // ---- clients ----

  /** A client that asks all of `exchanges` on one connection. */
  client(exchanges: readonly ExchangeMessages[]): Client {
    return this.#ends === 'http1' ? this.#textClient(exchanges) : this.#http2Client(exchanges);
  }

  #textClient(exchanges: readonly ExchangeMessages[]): Client {
    const peer = this.bench.world.connect(LISTEN);
    for (const { request } of exchanges) peer.send(requestText(this.#random, request));
    const check = (): void => {
      const methods = exchanges.map(({ request }) => request.method);
      const { messages, rest } = readResponses(peer.text, methods, peer.ended);
      assert.deepEqual([messages.length, rest], [exchanges.length, ''], 'answers that came');
      for (const [i, { request, response }] of exchanges.entries()) {
        assertResponse(request.method, response, responseOfText(messages[i]!));
      }
    };
    return { peer, check };
  }

  #http2Client(exchanges: readonly ExchangeMessages[]): Client {
    const { world } = this.bench;
    const peer = world.connect(LISTEN);
    const end = new Http2End(world, peer, 'client');
    this.#http2Ends.push(end);
    for (const [i, { request }] of exchanges.entries()) {
      end.send(streamOf(i), requestFrames(this.#random, streamOf(i), request));
    }
    const check = (): void => {
      for (const [i, { request, response }] of exchanges.entries()) {
        const { ended, reset } = end.wire.stream(streamOf(i));
        assert.deepEqual([ended, reset], [true, undefined], `stream ${streamOf(i)}`);
        assertResponse(request.method, response, responseOfStream(end.wire, streamOf(i)));
      }
    };
    return { peer, check };
  }

  // ---- ends ----

  /** Lets everything happen; fails unless all arrived, and nothing is left behind. */
  finish(clients: readonly Client[]): void {
    const { bench } = this;
    bench.world.run();
    if (this.#fault !== undefined) throw this.#fault;
    for (const { check } of clients) check();
    assert.equal(this.arrived.size, this.#exchanges.length);
    assert.deepEqual(bench.errors, []);
    for (const { wire } of this.#http2Ends) assert.deepEqual(wire.referee.violations, []);
    const peers = clients.map(({ peer }) => peer);
    for (const peer of peers) peer.reset();
    bench.world.run();
    bench.world.advance(timeouts.http2UpstreamIdleMs + 1_000);
    bench.finish(peers);
    assert.equal(this.#inbound.size, 0);
    assert.equal(bench.begun, bench.ended.length);
  }
}
