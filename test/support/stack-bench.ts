/** The stack of a proxy between a test's clients and applications, without sockets. */
import assert from 'node:assert/strict';
import { Rng } from '../../base/rng.ts';
import type { Downstreams } from '../../proxy/accept/downstreams.ts';
import { PortTable } from '../../proxy/detect/port-table.ts';
import { timeouts } from '../../proxy/limits.ts';
import type { Direction } from '../../proxy/model/exchange.ts';
import { EVENT_END, EVENT_HEAD_IN, type ObservedExchange } from '../../proxy/model/observation.ts';
import { SharedCounts } from '../../proxy/observe/shared-counts.ts';
import type { StackParts } from '../../proxy/stack-parts.ts';
import { inboundStack } from '../../proxy/stack.ts';
import { LINK_CLOSED, LINK_OPENED } from '../../proxy/transport/link.ts';
import { threadQuotas } from '../../proxy/transport/link-quota.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { type MemoryPeer, MemoryWorld, type React } from './memory-world.ts';

/** Where the application listens. */
export const APPLICATION = { host: '127.0.0.1', port: 8000 };
/** Where the proxy listens. */
export const LISTEN = { host: '127.0.0.1', port: 4143 };
export const GET = 'GET /a HTTP/1.1\r\nHost: web\r\n\r\n';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What is kept of an ended exchange: the object itself is recycled. */
export type Ended = Pick<ObservedExchange, 'status' | 'failed' | 'cancelled' | 'route'>;

/** A proxy's stack between scripted peers, without sockets. */
export class StackBench {
  readonly world: MemoryWorld;
  readonly counts = new SharedCounts();
  readonly ended: Ended[] = [];
  readonly errors: string[] = [];
  begun = 0;
  readonly parts: StackParts;
  #downstreams: Downstreams | undefined;

  constructor(options: MemoryOptions = {}) {
    this.world = new MemoryWorld(options);
    this.parts = {
      transport: this.world.transport,
      wheel: this.world.clock.wheel,
      fineWheel: this.world.clock.fineWheel,
      nowUs: this.world.clock.nowUs,
      rng: new Rng(1),
      dialFrom: undefined,
      counts: this.counts,
      observe: (exchange, event) => {
        const { status, failed, cancelled, route } = exchange;
        if (event === EVENT_HEAD_IN) this.begun++;
        if (event === EVENT_END) this.ended.push({ status, failed, cancelled, route });
      },
      isOwnListener: (_direction, _host, port) => port === LISTEN.port,
      failed: (direction, error) => void this.errors.push(`${direction} ${error.code}`),
      limitHit: (direction, limit) => void this.errors.push(`${direction} ${limit}`),
      downstreamLinks: () => this.counts.servedDownstreamLinks(),
      quotas: threadQuotas(this.counts.linksBeingRefused()),
      ports: { inbound: new PortTable(), outbound: new PortTable() },
      refusedLink: () => undefined,
      emptied: () => undefined,
    };
  }

  async open(direction: Direction, downstreams: Downstreams): Promise<void> {
    const counts = this.counts.links(direction, 'src');
    downstreams.add(await this.world.transport.listen(LISTEN, counts, downstreams.accept));
    this.#downstreams = downstreams;
  }

  async inbound(react?: React): Promise<MemoryPeer[]> {
    const applications = await this.world.serve(APPLICATION, react);
    await this.open('inbound', inboundStack(this.parts, APPLICATION));
    return applications;
  }

  client(send = ''): MemoryPeer {
    const client = this.world.connect(LISTEN);
    if (send !== '') client.send(send);
    this.world.run();
    return client;
  }

  /** Everything the proxy held is gone once its peers are and idle time has passed. */
  finish(clients: readonly MemoryPeer[]): void {
    for (const client of clients) if (!client.closed) client.reset();
    this.world.run();
    this.world.advance(timeouts.upstreamIdleMs + 200);
    assert.equal(this.#downstreams?.size, 0);
    for (const direction of ['inbound', 'outbound'] as const) {
      for (const side of ['src', 'dst'] as const) {
        const counts = this.counts.links(direction, side);
        assert.equal(counts[LINK_OPENED], counts[LINK_CLOSED], `${direction} ${side} links`);
      }
    }
    assert.equal(this.world.transport.slabs.out, 0);
  }
}

/** Answers each request, whose body is said by Content-Length, with what `answer` makes of it. */
export const answering =
  (answer: (target: string, body: string) => string): React =>
  (peer) => {
    let { text } = peer;
    for (;;) {
      const end = text.indexOf('\r\n\r\n') + 4;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (end === 3 || text.length < end + length) break;
      const target = text.split(' ')[1] ?? '';
      peer.take();
      peer.send(answer(target, text.slice(end, end + length)));
      peer.keep(text.slice(end + length));
      text = text.slice(end + length);
    }
  };

/** Answers each request with OK. */
export const serving = answering(() => OK);
