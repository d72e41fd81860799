/**
 * The main thread of a sidecar: supervises the data threads, speaks with the controller, serves the
 * admin endpoints, ends the process in order. It carries no traffic.
 */
import { randomInt } from 'node:crypto';
import type { Log, LogLevel } from '../base/log.ts';
import { type SocketAddress, formatSocketAddress } from '../base/settings.ts';
import { serveAdmin } from './admin/http-server.ts';
import { renderMetrics } from './admin/metrics.ts';
import { profileThread } from './admin/profile.ts';
import { adminHandler } from './admin/routes.ts';
import { type ControlLink, connectControl } from './control/control-link.ts';
import { DataThreads } from './control/data-threads.ts';
import { AddressBook } from './control/listen-addresses.ts';
import { applyLimits } from './limits.ts';
import type { BoundListeners, FromThread, ThreadConfig } from './model/thread.ts';
import { Meter } from './observe/meter.ts';
import { type SharedCounts, countsOfThreads, shareCounts } from './observe/shared-counts.ts';
import { type ProxySettings, limitsOf } from './settings.ts';
import type { Listener } from './transport/link.ts';

const SWEEP_MS = 60_000;

/** What the ready line says; addresses as "host:port". */
export interface ReadyAddresses {
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
  readonly wayOut: readonly string[];
  readonly admin: string;
}

/** One sidecar, from start to drained. */
export class ProxyProcess {
  readonly #settings: ProxySettings;
  readonly #log: Log;
  readonly #shared: SharedArrayBuffer;
  /** Of each data thread. */
  readonly #counts: readonly SharedCounts[];
  readonly #meter = new Meter();
  readonly #addresses: AddressBook;
  readonly #threads: DataThreads;
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
  #logLevel: LogLevel;
  #draining = false;
  #announced = false;
  #announce: (addresses: ReadyAddresses) => void = () => undefined;
  readonly #scraped: (ReturnType<typeof performance.eventLoopUtilization> | undefined)[] = [];

  constructor(settings: ProxySettings, log: Log) {
    applyLimits(limitsOf(settings));
    this.#settings = settings;
    this.#logLevel = settings.logLevel;
    this.#log = log;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
    this.#shared = shareCounts(settings.threads);
    this.#counts = countsOfThreads(this.#shared);
    this.#lives = this.#counts.map((_, thread) => thread);
    this.#livesBegun = settings.threads;
    const { inbound, outbound, wayOut } = settings;
    this.#addresses = new AddressBook({
      inbound,
      outbound,
      wayOut: wayOut.map(({ listen }) => listen),
    });
    this.#threads = new DataThreads(this.#counts, (thread) => this.#threadConfig(thread), log, {
      ready: (_thread, listeners) => this.#threadReady(listeners),
      failed: (reason) => this.#end(new Error(reason)),
      died: (thread) => this.#threadDied(thread),
      heard: (thread, message) => this.#heard(thread, message),
      inboundClosed: () => this.#addresses.closeInbound(),
      drained: () => this.#end(),
    });
  }

  /** Serves until drained; `announce` is called once, when the proxy is ready. */
  async run(announce: (addresses: ReadyAddresses) => void): Promise<void> {
    this.#announce = announce;
    setInterval(() => this.#meter.sweep(performance.now()), SWEEP_MS).unref();
    if (this.#threads.size > 1) await this.#addresses.reserve();
    this.#threads.start();
    this.#admin = await serveAdmin(this.#settings.admin, this.#adminHandler());
    this.#announceWhenReady();
    await this.#ended;
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
    const addresses = this.#addresses.current;
    return {
      thread,
      inbound: addresses.inbound.map((listen, i) => ({ listen, forward: forward[i] ?? listen })),
      outbound: addresses.outbound,
      wayOut: wayOut.map((one, i) => ({ ...one, listen: addresses.wayOut[i] ?? one.listen })),
      destinations: to,
      controlled: this.#settings.controller !== undefined,
      // Under a controller only its "no such service" lets a name go to DNS.
      dns: dns || this.#settings.controller !== undefined,
      dialFrom,
      drainQuietMs,
      logLevel: this.#logLevel,
      seed: randomInt(1, 2 ** 31),
      limits: limitsOf(this.#settings),
      counts: this.#shared,
    };
  }

  // ---- the data threads ----

  #threadReady(listeners: BoundListeners): void {
    this.#listeners ??= listeners;
    this.#addresses.bound(listeners);
    if (this.#threads.serving === this.#threads.size) this.#complete = true;
    const { controller } = this.#settings;
    if (this.#complete && controller !== undefined && this.#control === undefined) {
      this.#connect(controller);
    }
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
      case 'applied':
        return this.#control?.applied(thread, message.key, message.version, message.error);
      default:
    }
  }

  // ---- the controller ----

  #connect(controller: SocketAddress): void {
    this.#control = connectControl({
      controller,
      log: this.#log,
      namespace: this.#settings.podNamespace,
      pod: this.#settings.podName,
      meter: this.#meter,
      counts: this.#counts,
      random: () => randomInt(2 ** 32) / 2 ** 32,
      update: (thread, key, version, resource) =>
        this.#threads.at(thread)?.tell({ type: 'resource', key, version, resource }),
      inbound: () => this.#announceWhenReady(),
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
    const { inbound, outbound, wayOut } = this.#listeners;
    this.#announce({
      inbound: inbound.map(formatSocketAddress),
      outbound: outbound.map(formatSocketAddress),
      wayOut: wayOut.map(formatSocketAddress),
      admin: formatSocketAddress(this.#admin.address),
    });
  }

  // ---- admin ----

  #adminHandler(): ReturnType<typeof adminHandler> {
    return adminHandler({
      notReady: () => this.#notReady(),
      metrics: () =>
        renderMetrics({
          groups: this.#meter.groups(),
          threads: this.#counts.map((counts, thread) => ({
            counts,
            restarts: this.#threads.at(thread)?.restarts ?? 0,
            utilization: this.#utilization(thread),
          })),
          control: this.#control?.figures(),
        }),
      config: () => ({
        settings: this.#settings,
        listeners: this.#listeners,
        threads: this.#counts.map((_, thread) => ({
          thread,
          serving: this.#threads.isServing(thread),
          restarts: this.#threads.at(thread)?.restarts,
        })),
        inbound: this.#control?.inbound,
        destinations: this.#control?.describe() ?? this.#settings.to,
      }),
      shutdown: () => this.drain(),
      setLogLevel: (level) => {
        this.#logLevel = level;
        this.#log.setLevel(level);
        this.#threads.tell({ type: 'log-level', level });
      },
      threads: this.#threads.size,
      profile: (thread, ms) => profileThread(this.#threads.at(thread)?.worker, ms),
    });
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
