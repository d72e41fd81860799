/**
 * One inbound sidecar in memory between a client of one protocol and an application of the other,
 * both in a test's hands.
 */
import { timeouts } from '../../proxy/limits.ts';
import type { Protocol } from '../../proxy/model/exchange.ts';
import { inboundStack } from '../../proxy/stack.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { Http2End } from './http2-end.ts';
import { Http2MemoryPeer } from './http2-memory-peer.ts';
import { PREFACE, settings, settingsAck } from './http2-wire.ts';
import type { MemoryPeer, React } from './memory-world.ts';
import { APPLICATION, LISTEN, StackBench } from './stack-bench.ts';

export class TranslationBench {
  readonly bench: StackBench;
  /** Connections that came to an application of HTTP/1.1. */
  applications: readonly MemoryPeer[] = [];
  /** Connections that came to one of HTTP/2, once their preface had. */
  readonly http2Applications: Http2End[] = [];

  private constructor(options: MemoryOptions) {
    this.bench = new StackBench(options);
  }

  /** A sidecar before an application of HTTP/1.1. */
  static async toHttp1(
    react: React = () => undefined,
    options: MemoryOptions = {},
  ): Promise<TranslationBench> {
    const translation = new TranslationBench(options);
    await translation.#open('http1', react);
    return translation;
  }

  /** A sidecar before an application of HTTP/2; `heard` is called whenever something came to it. */
  static async toHttp2(
    heard: (end: Http2End) => void = () => undefined,
    options: MemoryOptions = {},
  ): Promise<TranslationBench> {
    const translation = new TranslationBench(options);
    await translation.#open('http2', (peer) => {
      const end = Http2End.accepted(translation.bench.world, peer, heard);
      if (end !== undefined) translation.http2Applications.push(end);
    });
    return translation;
  }

  async #open(to: Protocol, react: React): Promise<void> {
    const { bench } = this;
    this.applications = await bench.world.serve(APPLICATION, react);
    await bench.open('inbound', inboundStack(bench.parts, { ...APPLICATION, protocol: to }));
  }

  /** Everything that came to applications of HTTP/1.1. */
  get applicationText(): string {
    return this.applications.map(({ text }) => text).join('');
  }

  run(): void {
    this.bench.world.run();
  }

  /** A client of HTTP/1.1. */
  client(text = ''): MemoryPeer {
    return this.bench.client(text);
  }

  /** A client of HTTP/2 that has said hello. */
  http2Client(): Http2MemoryPeer {
    const peer = this.bench.world.connect(LISTEN);
    const client = new Http2MemoryPeer(this.bench.world, peer, 'client');
    client.send(PREFACE, settings(), settingsAck());
    client.take();
    return client;
  }

  /** The clients go away, and nothing is left. */
  finish(...clients: readonly MemoryPeer[]): void {
    const { world } = this.bench;
    for (const client of clients) if (!client.closed) client.reset();
    world.run();
    world.advance(timeouts.http2UpstreamIdleMs + 1_000);
    this.bench.finish(clients);
  }
}
