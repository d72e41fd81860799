/**
 * The proxy's side of the control plane: one control stream, opened again with jittered backoff
 * whenever it ends, and one telemetry stream beside it. What was told last stays in force while the controller
 * is away, without limit.
 */
import { randomUUID } from 'node:crypto';
import type { Log } from '../../base/log.ts';
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
import { timeouts } from '../limits.ts';
import type { Target } from '../model/destination.ts';
import type { Owner } from '../model/endpoint.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';
import type { Meter } from '../observe/meter.ts';
import type { SharedCounts } from '../observe/shared-counts.ts';
import { Backoff } from './backoff.ts';
import { type ControlSession, openControlSession } from './control-session.ts';
import { type ReportSession, openReportSession } from './report-session.ts';

/** What the link needs of its process. */
export interface ControlParts {
  readonly controller: SocketAddress;
  readonly log: Log;
  readonly namespace: string;
  readonly pod: string;
  readonly meter: Meter;
  readonly counts: SharedCounts;
  /** From 0 to below 1: spreads reconnecting proxies. */
  readonly random: () => number;
  /** A version of a destination the data thread has asked for. */
  readonly update: (key: string, version: ResourceVersion, resource: Resource) => void;
  /** The pod's own inbound resource has come or changed. */
  readonly inbound: () => void;
}

/** What /metrics says of the link. */
export interface ControlFigures {
  readonly connected: boolean;
  /** Since the controller was last heard, milliseconds; undefined when it never was. */
  readonly ageMs: number | undefined;
  readonly nacks: number;
}

/** A stream that lived so long after its Welcome was a good one. */
const STABLE_MS = 5_000;

interface Told {
  readonly version: ResourceVersion;
  readonly resource: Resource;
  /** Why the data thread did not put it in force. */
  error: string | undefined;
}

interface Subscription {
  readonly target: Target;
  /** The data thread that serves now has asked for it. */
  claimed: boolean;
  /** Versions the thread was told and has not answered, oldest first. */
  readonly asked: Told[];
  /** The last version, and the last one that was put in force. */
  last: Told | undefined;
  good: Told | undefined;
}

/** The link; `connectControl` makes and opens it. */
export class ControlLink {
  readonly #parts: ControlParts;
  readonly #instance = randomUUID();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #backoff: Backoff;
  #control: ControlSession | undefined = undefined;
  #reports: ReportSession | undefined = undefined;
  #inbound: Owner | undefined = undefined;
  #heardMs: number | undefined = undefined;
  #nacks = 0;
  #closed = false;
  #reopen: NodeJS.Timeout | undefined = undefined;
  #unclaimed: NodeJS.Timeout | undefined = undefined;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.random);
  }

  /** The pod's own resource, once the controller has told it. */
  get inbound(): Owner | undefined {
    return this.#inbound;
  }

  figures(): ControlFigures {
    const ageMs = this.#heardMs === undefined ? undefined : performance.now() - this.#heardMs;
    return { connected: this.#control?.welcomed ?? false, ageMs, nacks: this.#nacks };
  }

  /** What it holds, for /config.json. */
  describe(): unknown {
    return Object.fromEntries(this.#subscriptions);
  }

  /** The data thread wants `target`; what is held of it already is told at once. */
  subscribe(key: string, target: Target): void {
    const held = this.#subscriptions.get(key);
    if (held === undefined) {
      const nothing = { asked: [], last: undefined, good: undefined };
      this.#subscriptions.set(key, { target, claimed: true, ...nothing });
      this.#control?.subscribe(key, target);
      return;
    }
    held.claimed = true;
    const { good, last } = held;
    if (good !== undefined) this.#tell(key, held, good);
    if (last !== undefined && last !== good) this.#tell(key, held, last);
  }

  #tell(key: string, subscription: Subscription, told: Told): void {
    subscription.asked.push(told);
    this.#parts.update(key, told.version, told.resource);
  }

  unsubscribe(key: string): void {
    if (this.#subscriptions.delete(key)) this.#control?.unsubscribe(key);
  }

  /**
   * The data thread that asked is gone. What it knew is kept for the next one, which asks for what
   * it needs; the rest is dropped when a destination would be that idle.
   */
  threadDied(): void {
    for (const subscription of this.#subscriptions.values()) {
      subscription.claimed = false;
      subscription.asked.length = 0;
    }
    clearTimeout(this.#unclaimed);
    this.#unclaimed = setTimeout(() => this.#dropUnclaimed(), timeouts.destinationIdleMs).unref();
  }

  #dropUnclaimed(): void {
    for (const [key, { claimed }] of this.#subscriptions) if (!claimed) this.unsubscribe(key);
  }

  /** The data thread's answer to a version. */
  applied(key: string, version: ResourceVersion, error: string | undefined): void {
    const subscription = this.#subscriptions.get(key);
    const asked = subscription?.asked ?? [];
    const at = asked.findIndex((told) => isSame(told.version, version));
    // Answers come in order; of a thread that is gone none counts.
    const told = asked.splice(0, at + 1).at(-1);
    if (subscription !== undefined && told !== undefined) {
      told.error = error;
      if (error === undefined) subscription.good = told;
    }
    if (error !== undefined) {
      this.#nacks++;
      this.#parts.log.warn('refuses a resource and keeps its last good version', { key, error });
    }
    this.#control?.applied(key, version, error);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopen);
    clearTimeout(this.#unclaimed);
    this.#control?.close();
    this.#reports?.close();
  }

  open(): void {
    if (this.#closed) return;
    const { controller, log, namespace, pod } = this.#parts;
    const identity = { namespace, pod, instance: this.#instance };
    let welcomedMs = Number.POSITIVE_INFINITY;
    const address = formatSocketAddress(controller);
    openControlSession(address, identity, {
      opened: (session) => this.#opened(session),
      heard: () => (this.#heardMs = performance.now()),
      welcomed: () => (welcomedMs = performance.now()),
      update: (key, version, resource) => this.#updated(key, version, resource),
      inbound: (owner, version) => {
        this.#inbound = owner;
        this.#control?.applied('', version, undefined);
        this.#parts.inbound();
      },
      ended: (reason) => {
        // One that welcomes and ends at once is not let in again at full speed.
        if (performance.now() - welcomedMs > STABLE_MS) this.#backoff.reset();
        this.#control = undefined;
        this.#reports?.close();
        this.#reports = undefined;
        if (this.#closed) return;
        const delayMs = this.#backoff.next();
        log.warnRepeated('control', 'the control stream ended', {
          controller: address,
          reason,
          delayMs,
        });
        this.#reopen = setTimeout(() => this.open(), delayMs);
      },
    }).catch((error: unknown) => {
      log.error(`the control link cannot be opened: ${String(error)}`);
      this.#reopen = setTimeout(() => this.open(), this.#backoff.next());
    });
  }

  #opened(session: ControlSession): void {
    if (this.#closed) return session.close();
    this.#control = session;
    for (const [key, { target }] of this.#subscriptions) session.subscribe(key, target);
    const { controller, counts, meter, namespace, pod } = this.#parts;
    this.#reports = openReportSession({
      address: formatSocketAddress(controller),
      identity: { namespace, pod, instance: this.#instance },
      meter,
      counts,
    });
  }

  #updated(key: string, version: ResourceVersion, resource: Resource): void {
    const subscription = this.#subscriptions.get(key);
    // Unsubscribed while the update was on its way.
    if (subscription === undefined) return;
    subscription.last = { version, resource, error: undefined };
    // Nobody could put it in force before the next data thread asks.
    if (subscription.claimed) this.#tell(key, subscription, subscription.last);
  }
}

const isSame = (a: ResourceVersion, b: ResourceVersion): boolean =>
  a.epoch === b.epoch && a.counter === b.counter;

/** Opens the link; it lives until `close`. */
export function connectControl(parts: ControlParts): ControlLink {
  const link = new ControlLink(parts);
  link.open();
  return link;
}
