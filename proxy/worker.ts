/**
 * One data thread: builds the stack, listens, applies resources, drains. It owns every connection
 * it accepts, from accept to close.
 */
import { flushCompileCache } from 'node:module';
import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { Log } from '../base/log.ts';
import { Repeats } from '../base/repeats.ts';
import { Rng } from '../base/rng.ts';
import type { SocketAddress } from '../base/settings.ts';
import { Timer, TimerWheel } from '../base/timer-wheel.ts';
import type { Downstreams } from './accept/downstreams.ts';
import { Neighbours } from './accept/neighbours.ts';
import { isOwnListener } from './accept/own-listeners.ts';
import { profileSelf } from './admin/lazy-profiler.ts';
import { PortTable, everyPort } from './detect/port-table.ts';
import { interceptedInbound, interceptedOutbound } from './interception.ts';
import { applyLimits, takeShare } from './limits.ts';
import { collectGarbage } from './memory/collect-garbage.ts';
import type { DestinationResource } from './model/destination.ts';
import type { Direction } from './model/exchange.ts';
import { MeshError } from './model/mesh-error.ts';
import type {
  BoundListeners,
  FromThread,
  ListenAddress,
  StaticDestination,
  ThreadConfig,
  ToThread,
} from './model/thread.ts';
import { watchGc } from './observe/gc-counts.ts';
import { RecentErrors } from './observe/recent-errors.ts';
import { Recorder } from './observe/recorder.ts';
import {
  GAUGE_DESTINATIONS,
  GAUGE_LINKS_REFUSED,
  GAUGE_LOOP_LAG_MAX_MS,
  GAUGE_LOOP_LAG_MS,
  GAUGE_LOOP_TICKS,
  GAUGE_SERIES_LIMITED,
  SharedCounts,
  countsOfThreads,
} from './observe/shared-counts.ts';
import { resolveBySystem } from './route/dns.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import type { StackParts } from './stack-parts.ts';
import { OutboundStack, inboundStack } from './stack.ts';
import { threadQuotas } from './transport/link-quota.ts';
import { isReachableAddress } from './transport/own-addresses.ts';
import { NodeTransport } from './transport/node.ts';
import { RecentDials } from './transport/recent-dials.ts';
import { Turn } from './transport/turn.ts';

const WHEEL_TICK_MS = 100;
/** Of timers for what people and protocols wait for; runs only while one is set. */
const FINE_WHEEL_TICK_MS = 5;
const LAG_EVERY_MS = 1_000;
const SWEEP_EVERY = 60;
/** Short against the second in which the process says it once, of all its threads. */
const TOLD_EVERY_MS = 50;

/** The task of one data thread; it resolves when the thread has stopped. */
export async function run(task: { port: MessagePort; config: ThreadConfig }): Promise<void> {
  applyLimits(task.config.limits);
  takeShare(countsOfThreads(task.config.counts).length);
  const unwatchGc = watchGc(task.config.gc);
  const thread = new DataThread(task.port, task.config);
  await thread.run();
  unwatchGc();
}

class DataThread {
  readonly #port: MessagePort;
  readonly #config: ThreadConfig;
  readonly #log: Log;
  readonly #turn = new Turn(() => performance.now() * 1000);
  /** One function for both wheels: the compiler inlines no call that it sees going two ways. */
  readonly #nowMs = (): number => this.#turn.nowUs() / 1000;
  readonly #wheel = new TimerWheel(WHEEL_TICK_MS, this.#nowMs, this.#turn.run);
  readonly #fineWheel = new TimerWheel(FINE_WHEEL_TICK_MS, this.#nowMs, this.#turn.run);
  readonly #counts: SharedCounts;
  readonly #neighbours: Neighbours;
  readonly #transport: NodeTransport;
  readonly #recorder: Recorder;
  readonly #errors = new RecentErrors();
  readonly #failing = new Repeats(TOLD_EVERY_MS);
  readonly #ports: Readonly<Record<Direction, PortTable>>;
  readonly #parts: StackParts;
  readonly #outbound: OutboundStack;
  readonly #sides: { readonly direction: Direction; readonly downstreams: Downstreams }[] = [];
  readonly #bound: Record<keyof BoundListeners, SocketAddress[]> = {
    inbound: [],
    outbound: [],
    wayOut: [],
    interceptOutbound: [],
    interceptInbound: [],
  };
  #draining = false;
  #saidInboundClosed = false;
  #saidDrained = false;
  readonly #quiet = new Timer(() => this.#checkDrained());
  readonly #unsent = new Timer(() => this.#checkDrained());
  #stopped: () => void = () => undefined;

  constructor(port: MessagePort, config: ThreadConfig) {
    this.#port = port;
    this.#config = config;
    this.#log = new Log('proxy', config.logLevel);
    this.#counts = new SharedCounts(config.counts, config.thread);
    // The thread's last life may have counted on while the process took it for dead.
    this.#counts.closeAllLinks();
    const nowUs = (): number => this.#turn.nowUs();
    this.#recorder = new Recorder(
      {
        added: (series) => this.#tell({ type: 'series', ...series }),
        removed: (ids) => this.#tell({ type: 'series-removed', ids }),
        limited: () => this.#addTo(GAUGE_SERIES_LIMITED),
      },
      nowUs,
    );
    const all = countsOfThreads(config.counts);
    this.#neighbours = new Neighbours(
      config.neighbours,
      (thread) => all[thread]?.servedDownstreamLinks() ?? 0,
    );
    this.#transport = new NodeTransport(
      this.#turn,
      all.length > 1 ? (listener, socket) => this.#passOn(listener, socket) : undefined,
    );
    this.#ports = {
      inbound: new PortTable(config.podPorts?.inbound),
      outbound: new PortTable(config.podPorts?.outbound),
    };
    this.#parts = this.#newParts(nowUs);
    this.#outbound = new OutboundStack(this.#parts, {
      subscribe: config.controlled
        ? (key, target) => this.#tell({ type: 'subscribe', key, target })
        : undefined,
      unsubscribe: (key) => this.#tell({ type: 'unsubscribe', key }),
      fallback: config.dns ? resolveBySystem : undefined,
    });
  }

  async run(): Promise<void> {
    const stopped = new Promise<void>((resolve) => (this.#stopped = resolve));
    try {
      await this.#listen();
      for (const destination of this.#config.destinations) this.#install(destination);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // The worker may be used for the next try, which needs these addresses.
      for (const { downstreams } of this.#sides) downstreams.abort(STOPPED);
      return this.#tell({ type: 'failed', reason });
    }
    this.#port.on('message', (message: ToThread) => this.#turn.run(() => this.#hear(message)));
    const watch = this.#watchLoop();
    this.#tell({ type: 'ready', listeners: this.#bound });
    // Else only an orderly end of this thread would leave its code to the next start.
    flushCompileCache();
    await stopped;
    clearInterval(watch);
    this.#port.close();
  }

  #newParts(nowUs: () => number): StackParts {
    const intercepts = this.#config.interceptInbound.length + this.#config.interceptOutbound.length;
    const dials = intercepts > 0 ? new RecentDials(this.#transport, this.#wheel) : undefined;
    return {
      transport: dials ?? this.#transport,
      wheel: this.#wheel,
      fineWheel: this.#fineWheel,
      nowUs,
      rng: new Rng(this.#config.seed),
      dialFrom: this.#config.dialFrom,
      counts: this.#counts,
      observe: this.#recorder.observe,
      isOwnListener: (direction, host, port) =>
        isOwnListener(this.#config, this.#bound, direction, host, port),
      isOwnDial: dials && ((peer, to) => dials.isOwn(peer, to)),
      isPodAddress: this.#config.interceptInbound.length > 0 ? isReachableAddress : undefined,
      failed: (direction, error) => this.#failed(direction, error),
      limitHit: (direction, limit) => this.#counts.addLimitHit(direction, limit),
      downstreamLinks: () => this.#neighbours.links,
      quotas: threadQuotas(this.#counts.linksBeingRefused()),
      ports: this.#ports,
      refusedLink: () => this.#addTo(GAUGE_LINKS_REFUSED),
      emptied: () => this.#checkDrained(),
      listenersClosed: () => this.#checkDrained(),
    };
  }

  async #listen(): Promise<void> {
    const parts = this.#parts;
    for (const { declared, listen, forward } of this.#config.inbound) {
      // The pod's port is the one that others dial, whatever the application's own is.
      let { port } = listen;
      const told = { declared: () => this.#ports.inbound.declared(port) };
      const inbound = declared === undefined ? told : everyPort(declared);
      const side = inboundStack({ ...parts, ports: { ...this.#ports, inbound } }, forward);
      const address = await this.#open('inbound', listen, side, parts);
      this.#bound.inbound.push(address);
      ({ port } = address);
    }
    for (const listen of this.#config.outbound) {
      const side = this.#outbound.downstreams(undefined);
      this.#bound.outbound.push(await this.#open('outbound', listen, side, parts));
    }
    for (const { listen, target } of this.#config.wayOut) {
      const side = this.#outbound.downstreams(target);
      this.#bound.wayOut.push(await this.#open('outbound', listen, side, parts));
    }
    await this.#intercept();
  }

  async #intercept(): Promise<void> {
    const { interceptInbound, interceptOutbound, interceptProtocol } = this.#config;
    for (const listen of interceptOutbound) {
      const side = interceptedOutbound(this.#parts, this.#outbound);
      this.#bound.interceptOutbound.push(await this.#open('outbound', listen, side, this.#parts));
    }
    for (const listen of interceptInbound) {
      const side = interceptedInbound(this.#parts, interceptProtocol);
      this.#bound.interceptInbound.push(await this.#open('inbound', listen, side, this.#parts));
    }
  }

  async #open(
    direction: Direction,
    address: ListenAddress,
    downstreams: Downstreams,
    parts: StackParts,
  ): Promise<SocketAddress> {
    const counts = this.#counts.links(direction, 'src');
    const listener = await parts.transport.listen(address, counts, (link) => {
      const events = downstreams.accept(link);
      // One that is reset at once never was there.
      if (this.#saidDrained && downstreams.size > 0) this.#sayDrained(false);
      return events;
    });
    downstreams.add(listener);
    this.#sides.push({ direction, downstreams });
    return listener.address;
  }

  #install({ target, endpoints, anyPort, declared }: StaticDestination): void {
    const authority = target.authority ?? '';
    const name = anyPort ? authority : `${authority}:${target.port}`;
    const known = unlabelledDestination(name, authority, target.port, endpoints);
    const resource = { ...known, declared };
    this.#outbound.destinations.install(target, this.#withDefaults(resource), anyPort);
  }

  /** What the service does not say, the settings do. */
  #withDefaults(resource: DestinationResource): DestinationResource {
    if (resource.http1Transport !== undefined) return resource;
    return { ...resource, http1Transport: this.#config.http1Transport };
  }

  #hear(message: ToThread): void {
    switch (message.type) {
      case 'resource': {
        const { key, version, resource } = message;
        const { destinations } = this.#outbound;
        // Forgotten while the update was on its way: neither in force nor refused.
        if (!destinations.knows(key)) break;
        let error: string | undefined;
        if (resource.kind === 'destination') {
          error = destinations.apply(key, this.#withDefaults(resource.destination));
        } else destinations.applyNoSuchService(key, resource.reason, resource.declared);
        this.#tell({ type: 'applied', key, version, error });
        break;
      }
      case 'pod-ports':
        this.#ports.inbound.replace(message.ports.inbound);
        this.#ports.outbound.replace(message.ports.outbound);
        break;
      case 'take':
        this.#neighbours.taken(this.#config.thread);
        this.#transport.take(message.listener, message.socket);
        break;
      case 'log-level':
        this.#log.setLevel(message.level);
        break;
      case 'describe':
        this.#describe(message.question);
        break;
      case 'profile':
        void profileSelf(message.request, message.port);
        break;
      case 'collect-garbage':
        collectGarbage();
        break;
      case 'drain':
        this.#drain();
        break;
      case 'stop':
        this.#stop();
    }
  }

  #describe(question: number): void {
    const destinations = this.#outbound.destinations.describe();
    const errors = this.#errors.describe(this.#wheel.nowMs);
    this.#tell({ type: 'described', question, state: { destinations, errors } });
  }

  /** Gives a connection to another thread when that is less busy. */
  #passOn(listener: string, socket: Socket): boolean {
    const own = this.#config.thread;
    // A thread that has drained must not be given more.
    const to = this.#draining ? own : this.#neighbours.choose(own);
    if (to === own) return false;
    const message: FromThread = { type: 'pass', to, listener, socket };
    this.#port.postMessage(message, [socket]);
    return true;
  }

  /** Inbound says goodbye and closes when it is quiet; outbound lives as long as its sockets. */
  #drain(): void {
    this.#draining = true;
    this.#wheel.set(this.#quiet, this.#config.drainQuietMs);
    for (const { direction, downstreams } of this.#sides) {
      if (direction === 'inbound') downstreams.drain(this.#config.drainQuietMs);
    }
    this.#checkDrained();
  }

  #inboundClosed(): boolean {
    return this.#sides.every(
      ({ direction, downstreams }) => direction === 'outbound' || downstreams.closed,
    );
  }

  #checkDrained(): void {
    if (!this.#draining || !this.#inboundClosed()) return;
    // At once: until the process hears of it, its own copy of the listeners lets callers in.
    if (!this.#saidInboundClosed) {
      this.#saidInboundClosed = true;
      this.#tell({ type: 'inbound-closed' });
    }
    // An application that shuts down itself may still dial out: it has the quiet time too.
    if (this.#quiet.armed) return;
    const empty = this.#sides.every(({ downstreams }) => downstreams.size === 0);
    if (!empty || this.#saidDrained) return;
    // Last words may still be on their way to who reads slowly, or wait for a stream's window.
    const unsent = this.#sides.some(({ downstreams }) => downstreams.upstreamStreams > 0);
    if (unsent || this.#transport.hasUnsent) this.#wheel.set(this.#unsent, WHEEL_TICK_MS);
    else this.#sayDrained(true);
  }

  #sayDrained(drained: boolean): void {
    this.#saidDrained = drained;
    this.#tell({ type: 'drained', drained });
  }

  #stop(): void {
    for (const { downstreams } of this.#sides) downstreams.abort(STOPPED);
    this.#stopped();
  }

  /** Every failure is counted; what is not the downstream's own fault is said. */
  #failed(direction: Direction, error: MeshError): void {
    const { code, sentence, source } = error;
    this.#counts.addError(direction, code, performance.timeOrigin + performance.now());
    if (source !== 'downstream') this.#errors.add(direction, error, this.#wheel.nowMs);
    if (source === 'downstream') this.#log.debug(sentence, { direction, error: code });
    else {
      const times = this.#failing.next(`${direction} ${code}`, this.#wheel.nowMs);
      if (times > 0) this.#tell({ type: 'failing', direction, code, sentence, times });
    }
  }

  /** Event-loop lag, and once a minute what is idle leaves. */
  #watchLoop(): NodeJS.Timeout {
    let expected = performance.now() + LAG_EVERY_MS;
    let ticks = 0;
    return setInterval(() => {
      const now = performance.now();
      const lag = Math.max(0, now - expected);
      expected = now + LAG_EVERY_MS;
      this.#addTo(GAUGE_LOOP_TICKS);
      this.#counts.setGauge(GAUGE_LOOP_LAG_MS, lag);
      const longest = Math.max(lag, this.#counts.gauge(GAUGE_LOOP_LAG_MAX_MS));
      this.#counts.setGauge(GAUGE_LOOP_LAG_MAX_MS, longest);
      this.#counts.setGauge(GAUGE_DESTINATIONS, this.#outbound.destinations.size);
      if (++ticks % SWEEP_EVERY === 0) this.#recorder.sweep();
    }, LAG_EVERY_MS).unref();
  }

  #addTo(gauge: number): void {
    this.#counts.setGauge(gauge, this.#counts.gauge(gauge) + 1);
  }

  #tell(message: FromThread): void {
    this.#port.postMessage(message);
  }
}

const STOPPED = new MeshError('past-drain', 'proxy', 'This proxy has stopped serving.');
