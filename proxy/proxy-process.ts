/**
 * The main thread of a sidecar: supervises the data threads, speaks with the controller, serves the
 * admin endpoints, ends the process in order. It carries no traffic.
 */
import { randomInt } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import type { Log, LogLevel } from '../base/log.ts';
import { type SocketAddress, formatSocketAddress } from '../base/settings.ts';
import { Neighbours, shareNeighbours } from './accept/neighbours.ts';
import { conntrackFigures } from './admin/conntrack-metrics.ts';
import { serveAdmin } from './admin/http-server.ts';
import { lazyProfiler } from './admin/lazy-profiler.ts';
import { renderMetrics } from './admin/metrics.ts';
import { type RuntimeFigures, heapOf } from './admin/runtime-metrics.ts';
import { keepAnswer } from './admin/kept-answer.ts';
import { interceptionState } from './admin/past-sidecar.ts';
import { adminHandler } from './admin/routes.ts';
import { type ControlLink, connectControl } from './control/control-link.ts';
import { DataThreads } from './control/data-threads.ts';
import { ThreadStates } from './control/thread-states.ts';
import { AddressBook } from './control/listen-addresses.ts';
import { fitDescriptors } from './descriptors.ts';
import { type LimitValues, applyLimits } from './limits.ts';
import { MemoryTrim } from './memory/memory-trim.ts';
import type { Protocol } from './model/exchange.ts';
import type { BoundListeners, FromThread, ThreadConfig } from './model/thread.ts';
import { GcCounts, shareGcCounts, watchGc } from './observe/gc-counts.ts';
import { Meter } from './observe/meter.ts';
import { type SharedCounts, countsOfThreads, shareCounts } from './observe/shared-counts.ts';
import { type ProxySettings, limitsOf } from './settings.ts';
import { descriptorLimit } from './transport/descriptors.ts';
import type { Listener } from './transport/link.ts';
import { mainSockets } from './transport/main-sockets.ts';

const SWEEP_MS = 60_000;
/** A sentence may hold what a client sent. */
const SAID_CHARS_MAX = 512;

/** What the ready line says; addresses as "host:port". */
export interface ReadyAddresses {
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
  readonly wayOut: readonly string[];
  readonly interceptOutbound: readonly string[];
  readonly interceptInbound: readonly string[];
  readonly admin: string;
}

/** One sidecar, from start to drained. */
export class ProxyProcess {
  readonly #settings: ProxySettings;
  readonly #limits: LimitValues;
  readonly #log: Log;
  readonly #shared: SharedArrayBuffer;
  readonly #neighbours: SharedArrayBuffer;
  /** Of each data thread. */
  readonly #counts: readonly SharedCounts[];
  /** Garbage collections of the main thread, and of each data thread. */
  readonly #gc = shareGcCounts();
  readonly #gcOfThreads: readonly SharedArrayBuffer[];
  readonly #meter = new Meter();
  readonly #sockets = mainSockets();
  readonly #addresses: AddressBook;
  readonly #threads: DataThreads;
  readonly #states: ThreadStates;
  readonly #ended: Promise<void>;
  #end: (problem?: Error) => void = () => undefined;
  /** Tells series of one life of a data thread from those of all others: by thread, and ever used. */
  readonly #lives: number[];
  #livesBegun: number;
  #listeners: BoundListeners | undefined = undefined;
  /** Every thread has served. */
  #complete = false;
  #control: ControlLink | undefined = undefined;
  #admin: Listener | undefined = undefined;
  #memoryTrim: MemoryTrim | undefined = undefined;
  #logLevel: LogLevel;
  #draining = false;
  #announced = false;
  #announce: (addresses: ReadyAddresses) => void = () => undefined;
  readonly #scraped: (ReturnType<typeof performance.eventLoopUtilization> | undefined)[] = [];

  constructor(settings: ProxySettings, log: Log) {
    this.#limits = limitsFor(settings);
    applyLimits(this.#limits);
    this.#settings = settings;
    this.#logLevel = settings.logLevel;
    this.#log = log;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
    this.#shared = shareCounts(settings.threads);
    this.#counts = countsOfThreads(this.#shared);
    this.#gcOfThreads = this.#counts.map(shareGcCounts);
    this.#lives = this.#counts.map((_, thread) => thread);
    this.#livesBegun = settings.threads;
    const { inbound, interceptInbound, interceptOutbound, outbound, wayOut } = settings;
    this.#addresses = new AddressBook({
      inbound,
      outbound,
      wayOut: wayOut.map(({ listen }) => listen),
      interceptOutbound,
      interceptInbound,
    });
    this.#neighbours = shareNeighbours(settings.threads);
    const neighbours = new Neighbours(
      this.#neighbours,
      (thread) => this.#counts[thread]?.servedDownstreamLinks() ?? 0,
    );
    const configOf = (thread: number): ThreadConfig => this.#threadConfig(thread);
    this.#threads = new DataThreads(this.#counts, neighbours, configOf, log, {
      ready: (_thread, listeners) => this.#threadReady(listeners),
      failed: (reason) => this.#end(new Error(reason)),
      died: (thread) => this.#threadDied(thread),
      heard: (thread, message) => this.#heard(thread, message),
      inboundClosed: () => this.#addresses.closeInbound(),
      drained: () => this.#end(),
    });
    this.#states = new ThreadStates(settings.threads, (message) => this.#threads.tell(message));
  }

  /** Serves until drained; `announce` is called once, when the proxy is ready. */
  async run(announce: (addresses: ReadyAddresses) => void): Promise<void> {
    this.#announce = announce;
    watchGc(this.#gc);
    setInterval(() => this.#meter.sweep(performance.now()), SWEEP_MS).unref();
    if (this.#threads.size > 1) await this.#addresses.reserve();
    const { controller } = this.#settings;
    // A thread asks for destinations as soon as it listens: before it, or others, are ready.
    if (controller !== undefined) this.#connect(controller);
    this.#threads.start();
    this.#admin = await serveAdmin(this.#settings.admin, this.#adminHandler(), this.#sockets);
    this.#announceWhenReady();
    await this.#ended;
    this.#memoryTrim?.stop();
    this.#admin.close();
    this.#control?.close();
    this.#addresses.close();
    await this.#threads.stop();
  }

  /** Serves on while it says goodbye; ends when nobody is left or at the deadline. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#threads.drain();
    setTimeout(() => {
      this.#log.warn('the drain deadline has passed: remaining connections are closed');
      this.#end();
    }, this.#settings.drainDeadlineMs);
  }

  #threadConfig(thread: number): ThreadConfig {
    const { dialFrom, dns, drainQuietMs, forward, to, wayOut } = this.#settings;
    const protocol = protocolOf(this.#settings.forwardProtocol);
    const addresses = this.#addresses.current;
    return {
      thread,
      inbound: addresses.inbound.map((listen, i) => {
        const given = forward[i];
        const to = given?.forward ?? listen;
        const said = given?.forward.protocol ?? protocol;
        return { listen, forward: { ...to, protocol: said }, declared: given?.declared };
      }),
      outbound: addresses.outbound,
      interceptOutbound: addresses.interceptOutbound,
      interceptInbound: addresses.interceptInbound,
      interceptProtocol: protocol,
      wayOut: wayOut.map((one, i) => ({ ...one, listen: addresses.wayOut[i] ?? one.listen })),
      destinations: to,
      controlled: this.#settings.controller !== undefined,
      // Under a controller only its "no such service" lets a name go to DNS.
      dns: dns || this.#settings.controller !== undefined,
      http1Transport: this.#settings.http1Transport,
      podPorts: this.#control?.inbound?.ports,
      dialFrom,
      drainQuietMs,
      logLevel: this.#logLevel,
      seed: randomInt(1, 2 ** 31),
      limits: this.#limits,
      counts: this.#shared,
      gc: this.#gcOfThreads[thread] ?? shareGcCounts(),
      neighbours: this.#neighbours,
    };
  }

  // ---- the data threads ----

  #threadReady(listeners: BoundListeners): void {
    this.#listeners ??= listeners;
    this.#addresses.bound(listeners);
    if (this.#threads.serving === this.#threads.size) this.#complete = true;
    this.#announceWhenReady();
  }

  #threadDied(thread: number): void {
    this.#meter.retire(this.#lives[thread] ?? 0, performance.now());
    this.#lives[thread] = this.#livesBegun++;
    this.#counts[thread]?.closeAllLinks();
    this.#control?.threadDied(thread);
  }

  #heard(thread: number, message: FromThread): void {
    const life = this.#lives[thread] ?? 0;
    switch (message.type) {
      case 'series':
        return this.#meter.add(life, message);
      case 'series-removed':
        return this.#meter.remove(life, message.ids);
      case 'subscribe':
        return this.#control?.subscribe(thread, message.key, message.target);
      case 'unsubscribe':
        return this.#control?.unsubscribe(thread, message.key);
      case 'failing': {
        const { code, direction, times } = message;
        const sentence = message.sentence.slice(0, SAID_CHARS_MAX);
        const fields = { direction, error: code };
        return this.#log.warnRepeated(`${direction} ${code}`, sentence, fields, times);
      }
      case 'described':
        return this.#states.heard(thread, message);
      case 'applied':
        return this.#control?.applied(thread, message.key, message.version, message.error);
      default:
    }
  }

  // ---- the controller ----

  #connect(controller: SocketAddress): void {
    this.#control = connectControl({
      sockets: this.#sockets,
      controller,
      log: this.#log,
      namespace: this.#settings.podNamespace,
      pod: this.#settings.podName,
      meter: this.#meter,
      counts: this.#counts,
      random: () => randomInt(2 ** 32) / 2 ** 32,
      update: (thread, key, version, resource) =>
        this.#threads.at(thread)?.tell({ type: 'resource', key, version, resource }),
      inbound: ({ ports }) => {
        this.#threads.tell({ type: 'pod-ports', ports });
        this.#announceWhenReady();
      },
    });
  }

  // ---- readiness ----

  #notReady(): string | undefined {
    if (this.#draining) return 'draining';
    const { serving, size } = this.#threads;
    // Once all have served, those that are left serve for one that has died.
    if (serving === 0 || !this.#complete) return `${serving} of ${size} data threads serve`;
    if (this.#settings.controller !== undefined && this.#control?.inbound === undefined) {
      return `the controller has not told about pod ${this.#settings.podName} yet`;
    }
    return undefined;
  }

  #announceWhenReady(): void {
    if (this.#announced || this.#admin === undefined || this.#listeners === undefined) return;
    if (this.#notReady() !== undefined) return;
    this.#announced = true;
    if (this.#settings.pageTrim === 'on') this.#trimMemory();
    const { inbound, interceptInbound, interceptOutbound, outbound, wayOut } = this.#listeners;
    this.#announce({
      inbound: inbound.map(formatSocketAddress),
      outbound: outbound.map(formatSocketAddress),
      wayOut: wayOut.map(formatSocketAddress),
      interceptOutbound: interceptOutbound.map(formatSocketAddress),
      interceptInbound: interceptInbound.map(formatSocketAddress),
      admin: formatSocketAddress(this.#admin.address),
    });
  }

  // ---- memory ----

  #trimMemory(): void {
    const parts = {
      log: this.#log,
      activity: () => this.#counts.reduce((sum, counts) => sum + counts.bytesRead(), 0),
      collectInThreads: () => this.#threads.tell({ type: 'collect-garbage' }),
    };
    this.#memoryTrim = new MemoryTrim(parts, performance.now());
    this.#memoryTrim.start();
  }

  // ---- admin ----

  #adminHandler(): ReturnType<typeof adminHandler> {
    return adminHandler({
      notReady: () => this.#notReady(),
      metrics: async () => {
        // First: what is read before a wait and what after it are of different moments, and a
        // thread that died in between would count twice.
        const runtime = await this.#runtime();
        return renderMetrics({
          groups: this.#meter.groups(),
          seriesLimited: this.#meter.limited,
          threads: this.#counts.map((counts, thread) => ({
            counts,
            restarts: this.#threads.at(thread)?.restarts ?? 0,
            utilization: this.#utilization(thread),
          })),
          control: this.#control?.figures(),
          runtime,
          memoryTrim: this.#memoryTrim?.figures,
          conntrack: conntrackFigures(),
          nowMs: performance.timeOrigin + performance.now(),
        });
      },
      config: () => this.#describe(),
      interception: keepAnswer(() => interceptionState(this.#listeners ?? this.#settings)),
      shutdown: () => this.drain(),
      setLogLevel: (level) => {
        this.#logLevel = level;
        this.#log.setLevel(level);
        this.#threads.tell({ type: 'log-level', level });
      },
      threads: this.#threads.size,
      profile: lazyProfiler((thread, request, port) => {
        const there = this.#threads.at(thread);
        if (there?.hears !== true) return false;
        there.tell({ type: 'profile', request, port }, [port]);
        return true;
      }),
    });
  }

  /** What it holds, for people. */
  async #describe(): Promise<unknown> {
    const states = await this.#states.ask();
    return {
      notReady: this.#notReady(),
      settings: this.#settings,
      listeners: this.#listeners,
      control: this.#control?.figures(),
      threads: this.#counts.map((counts, thread) => ({
        thread,
        serving: this.#threads.isServing(thread),
        restarts: this.#threads.at(thread)?.restarts,
        downstreamLinks: counts.openDownstreamLinks(),
        ...states[thread],
      })),
      inbound: this.#control?.inbound,
      destinations: this.#control?.describe() ?? this.#settings.to,
    };
  }

  #runtime(): Promise<RuntimeFigures[]> {
    const main = { thread: 'main', heap: getHeapStatistics(), gc: new GcCounts(this.#gc) };
    const workers = this.#gcOfThreads.map(async (gc, thread) => ({
      thread: String(thread),
      heap: await heapOf(this.#threads.at(thread)?.worker),
      gc: new GcCounts(gc),
    }));
    return Promise.all([Promise.resolve(main), ...workers]);
  }

  #utilization(thread: number): number | undefined {
    const before = this.#scraped[thread];
    const now = this.#threads.at(thread)?.worker?.performance.eventLoopUtilization();
    this.#scraped[thread] = now;
    if (now === undefined) return undefined;
    const idle = now.idle - (before?.idle ?? 0);
    const active = now.active - (before?.active ?? 0);
    return idle + active > 0 ? active / (idle + active) : 0;
  }
}

const protocolOf = (forward: ProxySettings['forwardProtocol']): Protocol | undefined =>
  forward === 'as-received' ? undefined : forward;

/** The limits that are set, and no more links than there are descriptors for. */
function limitsFor(settings: ProxySettings): LimitValues {
  const { inbound, interceptInbound, interceptOutbound, outbound, threads, wayOut } = settings;
  const values = limitsOf(settings);
  const limit = descriptorLimit();
  const lists = [inbound, outbound, wayOut, interceptInbound, interceptOutbound];
  const listeners = lists.reduce((sum, { length }) => sum + length, 0);
  return limit === undefined ? values : fitDescriptors(values, { limit, threads, listeners });
}
