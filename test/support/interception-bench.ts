/** A proxy whose clients' dials are redirected to it, as iptables do it, without sockets. */
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../../base/settings.ts';
import type { Downstreams } from '../../proxy/accept/downstreams.ts';
import { interceptedInbound, interceptedOutbound } from '../../proxy/interception.ts';
import type { DestinationResource, Target } from '../../proxy/model/destination.ts';
import type { UpstreamAddress } from '../../proxy/model/endpoint.ts';
import type { Direction } from '../../proxy/model/exchange.ts';
import type { StackParts } from '../../proxy/stack-parts.ts';
import { OutboundStack } from '../../proxy/stack.ts';
import type { Peer } from '../../proxy/transport/link.ts';
import type { MemoryOptions } from '../../proxy/transport/memory.ts';
import { RecentDials } from '../../proxy/transport/recent-dials.ts';
import type { MemoryPeer, React } from './memory-world.ts';
import { LISTEN, StackBench } from './stack-bench.ts';

/** The address of the pod. */
export const POD = '10.1.0.1';

const isPodAddress = (host: string): boolean => host === POD;

/** Intercepted connections of one side, with everything around it in a test's hands. */
export class InterceptionBench {
  readonly bench: StackBench;
  readonly parts: StackParts;
  /** Targets that the controller was asked about, by key. */
  readonly asked = new Map<string, Target>();
  /** The proxy runs as a user whose connections are redirected too. */
  redirectsProxy = false;
  outbound!: OutboundStack;
  downstreams!: Downstreams;

  constructor(t: TestContext | undefined, options: MemoryOptions) {
    const bench = new StackBench(options);
    this.bench = bench;
    const dials = new RecentDials(bench.world.transport, bench.world.clock.wheel);
    const isOwnDial = (peer: Peer, to?: SocketAddress): boolean => dials.isOwn(peer, to);
    this.parts = { ...bench.parts, transport: dials, isOwnDial, isPodAddress };
    // The proxy's own dials are exempt, as those of its user are.
    bench.world.transport.redirect(({ counts, host, port }) => {
      const direct = host === LISTEN.host && port === LISTEN.port;
      const exempt = counts !== bench.world.peerCounts && !this.redirectsProxy;
      return exempt || direct ? undefined : LISTEN;
    });
    t?.after(() => bench.world.clock.wheel.stop());
    t?.after(() => bench.world.clock.fineWheel.stop());
  }

  /** Inbound; `protocol`: what the application is spoken to in. */
  static async inbound(
    t: TestContext | undefined,
    protocol?: UpstreamAddress['protocol'],
    options: MemoryOptions = {},
  ): Promise<InterceptionBench> {
    const made = new InterceptionBench(t, options);
    await made.open('inbound', interceptedInbound(made.parts, protocol));
    return made;
  }

  /** Outbound, with a controller that the test plays, or stand-alone. */
  static async outbound(
    t: TestContext | undefined,
    controlled: boolean,
    options: MemoryOptions = {},
  ): Promise<InterceptionBench> {
    const made = new InterceptionBench(t, options);
    made.outbound = new OutboundStack(made.parts, {
      subscribe: controlled ? (key, target) => void made.asked.set(key, target) : undefined,
      unsubscribe: (key) => void made.asked.delete(key),
      fallback: undefined,
    });
    await made.open('outbound', interceptedOutbound(made.parts, made.outbound));
    return made;
  }

  async open(direction: Direction, downstreams: Downstreams): Promise<void> {
    this.downstreams = downstreams;
    await this.bench.open(direction, downstreams);
  }

  serve(address: SocketAddress, react?: React): Promise<MemoryPeer[]> {
    return this.bench.world.serve(address, react);
  }

  /** A client that means `address`, and has said `text`. */
  dial(address: SocketAddress, text = ''): MemoryPeer {
    const client = this.bench.world.connect(address);
    if (text !== '') client.send(text);
    this.bench.world.run();
    return client;
  }

  /** The controller says what the address is. */
  tell(key: string, resource: DestinationResource): void {
    this.bench.world.clock.turn.run(() => this.outbound.destinations.apply(key, resource));
    this.bench.world.run();
  }

  /** The controller says that nobody of the mesh has the address. */
  tellUnknown(key: string): void {
    const reason = `nobody has ${key}`;
    this.bench.world.clock.turn.run(() =>
      this.outbound.destinations.applyNoSuchService(key, reason),
    );
    this.bench.world.run();
  }

  advance(ms: number): void {
    this.bench.world.advance(ms);
  }
}
