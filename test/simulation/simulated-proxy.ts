/**
 * One sidecar of the simulation: the real stacks of one data thread, on a wheel of its own, with all
 * that can be seen of them from outside.
 */
import { Rng } from '../../base/rng.ts';
import type { SocketAddress } from '../../base/settings.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { Downstreams } from '../../proxy/accept/downstreams.ts';
import { limits } from '../../proxy/limits.ts';
import type { Target } from '../../proxy/model/destination.ts';
import type { Endpoint, UpstreamAddress } from '../../proxy/model/endpoint.ts';
import { DIRECTIONS, type Direction } from '../../proxy/model/exchange.ts';
import { MeshError } from '../../proxy/model/mesh-error.ts';
import { EVENT_ATTEMPT_START, EVENT_END, EVENT_HEAD_IN } from '../../proxy/model/observation.ts';
import { Recorder } from '../../proxy/observe/recorder.ts';
import { PEERS, SharedCounts } from '../../proxy/observe/shared-counts.ts';
import type { Resolve } from '../../proxy/route/dns.ts';
import type { StackParts } from '../../proxy/stack-parts.ts';
import { inboundStack, OutboundStack } from '../../proxy/stack.ts';
import { threadQuotas } from '../../proxy/transport/link-quota.ts';
import {
  LINK_CLOSED,
  LINK_OPENED,
  type Link,
  type LinkEvents,
  type Listener,
  NOBODY,
  type Transport,
} from '../../proxy/transport/link.ts';
import type { MemoryLink } from '../../proxy/transport/memory-link.ts';
import { Violation } from './ledger.ts';
import { dialMsMax } from './patience.ts';
import { memoryLink } from './peer.ts';
import type { World } from './world.ts';

/** As the default of the sidecar. */
const DRAIN_QUIET_MS = 5_000;
const STOPPED = new MeshError('past-drain', 'proxy', 'This proxy has stopped serving.');

const NOTHING_DECLARED = { declared: () => undefined };

/** Where an outbound stack learns of destinations. */
export interface Discovery {
  readonly subscribe: (key: string, target: Target) => void;
  readonly unsubscribe: (key: string) => void;
  readonly fallback: Resolve;
}

/** A link of a proxy, and which way it leads. */
export interface ProxyLink {
  readonly link: MemoryLink;
  readonly side: 'downstream' | 'upstream';
}

/** One data thread without its process. */
export class SimulatedProxy {
  readonly name: string;
  readonly wheel: TimerWheel;
  readonly fineWheel: TimerWheel;
  readonly outbound: OutboundStack | undefined;
  dead = false;
  readonly #world: World;
  readonly #counts = new SharedCounts();
  readonly #parts: StackParts;
  readonly #recorder: Recorder;
  readonly #downstreams: Downstreams[] = [];
  readonly #listeners: Listener[] = [];
  readonly #endpoints = new Set<Endpoint>();
  #links: ProxyLink[] = [];
  #silent = new Set<MemoryLink>();
  #drains = false;
  #begun = 0;
  #over = 0;
  #series = 0;

  constructor(world: World, name: string, discovery?: Discovery) {
    this.#world = world;
    this.name = name;
    this.wheel = world.time.newWheel('coarse');
    this.fineWheel = world.time.newWheel('fine');
    this.#recorder = new Recorder(
      {
        added: () => void this.#series++,
        removed: (ids) => void (this.#series -= ids.length),
        limited: () => undefined,
      },
      world.time.nowUs,
    );
    this.#parts = this.#newParts();
    this.outbound = discovery === undefined ? undefined : new OutboundStack(this.#parts, discovery);
  }

  #newParts(): StackParts {
    const { met, random, time, trace } = this.#world;
    return {
      transport: this.#transport(),
      wheel: this.wheel,
      fineWheel: this.fineWheel,
      nowUs: time.nowUs,
      rng: new Rng(random.integer(1, 1_000_000_000)),
      dialFrom: undefined,
      counts: this.#counts,
      observe: (exchange, event) => {
        if (event === EVENT_HEAD_IN) this.#begun++;
        if (event === EVENT_END) this.#over++;
        if (event === EVENT_ATTEMPT_START && exchange.endpoint !== undefined) {
          this.#endpoints.add(exchange.endpoint);
        }
        this.#recorder.observe(exchange, event);
      },
      isOwnListener: () => false,
      ports: { inbound: NOTHING_DECLARED, outbound: NOTHING_DECLARED },
      failed: (direction, { code, sentence }) => {
        trace.add(`${this.name} ${direction} ${code}: ${sentence}`);
        met.failure(sentence);
        if (code === 'internal') throw new Violation(`${this.name}: ${sentence}`);
      },
      limitHit: (direction, limit) => trace.add(`${this.name} ${direction} limit ${limit}`),
      downstreamLinks: () => this.#counts.servedDownstreamLinks(),
      quotas: threadQuotas(this.#counts.linksBeingRefused()),
      refusedLink: () => undefined,
      emptied: () => undefined,
    };
  }

  /** The network, as far as this proxy sees it. */
  #transport(): Transport {
    const { time, transport } = this.#world;
    return {
      listen: (address, counts, accept) =>
        transport.listen(address, counts, (link) => {
          const events = accept(link);
          this.#links.push({ link: memoryLink(link), side: 'downstream' });
          return events;
        }),
      dial: (options, events) => {
        const link = memoryLink(transport.dial(options, events));
        this.#links.push({ link, side: 'upstream' });
        time.after(dialMsMax(), () => {
          if (link.connecting && !this.dead) throw this.#stillDials(link);
        });
        return link;
      },
    };
  }

  #stillDials({ peer }: MemoryLink): Violation {
    return new Violation(`${this.name} still dials ${peer.remote}`);
  }

  /** Links that are open or being dialled. */
  get links(): readonly ProxyLink[] {
    this.#links = this.#links.filter(({ link }) => !link.closed);
    return this.#links;
  }

  async listenInbound(address: SocketAddress, application: UpstreamAddress): Promise<void> {
    await this.#listen('inbound', address, inboundStack(this.#parts, application));
  }

  /** A listener that stands for `target`, or whose requests name theirs. */
  async listenOutbound(address: SocketAddress, target: Target | undefined): Promise<void> {
    if (this.outbound === undefined) throw new Error(`${this.name} has no outbound side`);
    await this.#listen('outbound', address, this.outbound.downstreams(target));
  }

  async #listen(direction: Direction, address: SocketAddress, side: Downstreams): Promise<void> {
    const accept = (link: Link): LinkEvents => side.accept(link);
    const counts = this.#counts.links(direction, 'src');
    const listener = await this.#parts.transport.listen(address, counts, accept);
    side.add(listener);
    this.#listeners.push(listener);
    this.#downstreams.push(side);
  }

  // ---- ends ----

  /** Goodbyes, then no more new connections: as on SIGTERM. */
  drain(): void {
    this.#drains = true;
    this.#world.time.turn.run(() => {
      for (const side of this.#downstreams) side.drain(DRAIN_QUIET_MS);
    });
  }

  /** No listener is open and nobody is connected. */
  get drained(): boolean {
    return this.#downstreams.every(({ closed, size }) => closed && size === 0);
  }

  /** Past the drain deadline. */
  abort(): void {
    this.#world.time.turn.run(() => {
      for (const side of this.#downstreams) side.abort(STOPPED);
    });
  }

  /**
   * The process is gone: its kernel resets what is open; or its machine is, and says nothing any
   * more.
   */
  kill(silently: boolean): void {
    this.dead = true;
    for (const listener of this.#listeners) listener.close();
    this.#world.time.turn.run(() => {
      for (const { link } of this.links) {
        link.events = NOBODY;
        if (silently) link.sever();
        link.reset();
      }
    });
    this.#world.time.drop(this.wheel);
    this.#world.time.drop(this.fineWheel);
  }

  /** Once a minute, as its thread does it. */
  sweep(): void {
    this.#checkTimers();
    this.#endSilentLinks();
    this.#recorder.sweep();
    if (this.#series > limits.seriesMax) throw new Violation(`${this.name} has too many series`);
  }

  /** TCP's keep-alive, where it was asked for: a link that was cut a minute ago is gone. */
  #endSilentLinks(): void {
    const cut = this.links.filter(({ link }) => link.severed && link.keepsAlive);
    const before = this.#silent;
    this.#silent = new Set(cut.map(({ link }) => link));
    for (const link of this.#silent) {
      if (before.has(link)) this.#world.time.turn.run(() => link.fail('ETIMEDOUT'));
    }
  }

  // ---- what must hold ----

  /** At any time: what waits to leave is bounded. */
  checkUnsent(mostBytes: number): void {
    for (const { link } of this.#links) {
      if (link.unsentBytes <= mostBytes) continue;
      const { remote } = link.peer;
      throw new Violation(`${this.name} holds ${link.unsentBytes} bytes for ${remote}`);
    }
  }

  /** Without a connection there is nothing to wait for but discovery, and the end of a drain. */
  #checkTimers(): void {
    if (this.links.length > 0 || this.#begun !== this.#over) return;
    const destinations = this.outbound?.destinations.size ?? 0;
    const known = destinations + (destinations > 0 ? 1 : 0);
    const quiet = this.#drains ? this.#downstreams.length : 0;
    if (this.wheel.armed <= known + quiet) return;
    throw new Violation(`${this.name} has no link and ${this.wheel.armed} timers`);
  }

  /** When all traffic has ended long ago: what is left, none of which may be. */
  leftovers(): string[] {
    const left: string[] = [];
    const none = (what: string, count: number): void => {
      if (count !== 0) left.push(`${this.name}: ${count} ${what}`);
    };
    for (const { link, side } of this.links) {
      left.push(`${this.name}: a ${side} link ${link.peer.local} to ${link.peer.remote}`);
    }
    for (const direction of DIRECTIONS) {
      for (const peer of PEERS) {
        const counts = this.#counts.links(direction, peer);
        const open = (counts[LINK_OPENED] ?? 0) - (counts[LINK_CLOSED] ?? 0);
        none(`${direction} ${peer} links counted as open`, open);
      }
    }
    none('timers', this.wheel.armed);
    none('fine timers', this.fineWheel.armed);
    none(
      'sessions',
      this.#downstreams.reduce((sum, { size }) => sum + size, 0),
    );
    none('places of the upstream quota', this.#parts.quotas.upstream.taken);
    none('places of the quota for refusals', this.#parts.quotas.refused.taken);
    none('exchanges that have not ended', this.#begun - this.#over);
    none('destinations', this.outbound?.destinations.size ?? 0);
    none('series', this.#series);
    for (const { host, http2, id, idle, pending, references } of this.#endpoints) {
      none(`attempts under way at ${id} ${host}`, pending);
      none(`idle connections to ${id} ${host}`, idle.length);
      if (this.outbound !== undefined) none(`destinations that name ${id} ${host}`, references);
      none(`streams to be had of ${id} ${host}`, http2?.take() === undefined ? 0 : 1);
    }
    this.#endpoints.clear();
    return left;
  }
}
