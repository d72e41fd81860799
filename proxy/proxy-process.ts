/**
 * The main thread of a sidecar: supervises the data thread, speaks with the controller, serves the
 * admin endpoints, ends the process in order. It carries no traffic.
 */
import { randomInt } from 'node:crypto';
import type { Log } from '../base/log.ts';
import { type SocketAddress, formatSocketAddress } from '../base/settings.ts';
import { serveAdmin } from './admin/http-server.ts';
import { renderMetrics } from './admin/metrics.ts';
import { profileThread } from './admin/profile.ts';
import { adminHandler } from './admin/routes.ts';
import { type ControlLink, connectControl } from './control/control-link.ts';
import { DataThread } from './control/data-thread.ts';
import { applyLimits } from './limits.ts';
import type { BoundListeners, FromThread, ThreadConfig } from './model/thread.ts';
import { Meter } from './observe/meter.ts';
import { GAUGE_LOOP_TICKS, SharedCounts } from './observe/shared-counts.ts';
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
  readonly #counts = new SharedCounts();
  readonly #meter = new Meter();
  readonly #thread: DataThread;
  readonly #ended: Promise<void>;
  #end: (problem?: Error) => void = () => undefined;
  /** Tells series of this start of the data thread from those of earlier ones. */
  #generation = 0;
  #listeners: BoundListeners | undefined = undefined;
  #serving = false;
  #control: ControlLink | undefined = undefined;
  #admin: Listener | undefined = undefined;
  #draining = false;
  #announced = false;
  #announce: (addresses: ReadyAddresses) => void = () => undefined;
  #scraped: ReturnType<typeof performance.eventLoopUtilization> | undefined = undefined;

  constructor(settings: ProxySettings, log: Log) {
    applyLimits(limitsOf(settings));
    this.#settings = settings;
    this.#log = log;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = (problem) => (problem === undefined ? resolve() : reject(problem));
    });
    this.#thread = new DataThread(
      this.#threadConfig(),
      log,
      {
        ready: (listeners) => this.#threadReady(listeners),
        failed: (reason) => this.#end(new Error(reason)),
        died: () => this.#threadDied(),
        heard: (message) => this.#heard(message),
      },
      () => this.#counts.gauge(GAUGE_LOOP_TICKS),
    );
  }

  /** Serves until drained; `announce` is called once, when the proxy is ready. */
  async run(announce: (addresses: ReadyAddresses) => void): Promise<void> {
    this.#announce = announce;
    setInterval(() => this.#meter.sweep(performance.now()), SWEEP_MS).unref();
    this.#thread.start();
    this.#admin = await serveAdmin(this.#settings.admin, this.#adminHandler());
    this.#announceWhenReady();
    await this.#ended;
    this.#admin.close();
    this.#control?.close();
    await this.#thread.stop();
  }

  /** Serves on while it says goodbye; ends when nobody is left or at the deadline. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#thread.tell({ type: 'drain' });
    setTimeout(() => {
      this.#log.warn('the drain deadline has passed: remaining connections are closed');
      this.#end();
    }, this.#settings.drainDeadlineMs);
  }

  #threadConfig(): ThreadConfig {
    const { dialFrom, dns, drainQuietMs, forward, inbound, logLevel, outbound, to, wayOut } =
      this.#settings;
    return {
      inbound: inbound.map((listen, i) => ({ listen, forward: forward[i] ?? listen })),
      outbound,
      wayOut,
      destinations: to,
      controlled: this.#settings.controller !== undefined,
      // Under a controller only its "no such service" lets a name go to DNS.
      dns: dns || this.#settings.controller !== undefined,
      dialFrom,
      drainQuietMs,
      logLevel,
      seed: randomInt(1, 2 ** 31),
      limits: limitsOf(this.#settings),
      counts: this.#counts.shared,
    };
  }

  // ---- the data thread ----

  #threadReady(listeners: BoundListeners): void {
    this.#listeners = listeners;
    this.#serving = true;
    const { controller } = this.#settings;
    if (controller !== undefined && this.#control === undefined) this.#connect(controller);
    if (this.#draining) this.#thread.tell({ type: 'drain' });
    this.#announceWhenReady();
  }

  #threadDied(): void {
    this.#serving = false;
    this.#meter.retire(this.#generation++, performance.now());
    this.#counts.closeAllLinks();
    this.#control?.threadDied();
  }

  #heard(message: FromThread): void {
    switch (message.type) {
      case 'series':
        return this.#meter.add(this.#generation, message);
      case 'series-removed':
        return this.#meter.remove(this.#generation, message.ids);
      case 'subscribe':
        return this.#control?.subscribe(message.key, message.target);
      case 'unsubscribe':
        return this.#control?.unsubscribe(message.key);
      case 'applied':
        return this.#control?.applied(message.key, message.version, message.error);
      case 'drained':
        return this.#end();
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
      update: (key, version, resource) =>
        this.#thread.tell({ type: 'resource', key, version, resource }),
      inbound: () => this.#announceWhenReady(),
    });
  }

  // ---- readiness ----

  #notReady(): string | undefined {
    if (this.#draining) return 'draining';
    if (!this.#serving) return 'the data thread is starting';
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
          threads: [
            {
              counts: this.#counts,
              restarts: this.#thread.restarts,
              utilization: this.#utilization(),
            },
          ],
          control: this.#control?.figures(),
        }),
      config: () => ({
        settings: this.#settings,
        listeners: this.#listeners,
        inbound: this.#control?.inbound,
        destinations: this.#control?.describe() ?? this.#settings.to,
      }),
      shutdown: () => this.drain(),
      setLogLevel: (level) => {
        this.#log.setLevel(level);
        this.#thread.tell({ type: 'log-level', level });
      },
      profile: (ms) => profileThread(this.#thread.worker, ms),
    });
  }

  #utilization(): number | undefined {
    const before = this.#scraped;
    this.#scraped = this.#thread.worker?.performance.eventLoopUtilization();
    if (this.#scraped === undefined) return undefined;
    const idle = this.#scraped.idle - (before?.idle ?? 0);
    const active = this.#scraped.active - (before?.active ?? 0);
    return idle + active > 0 ? active / (idle + active) : 0;
  }
}
