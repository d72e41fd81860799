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
import type { ResourceVersion } from '../model/thread.ts';
import type { Meter } from '../observe/meter.ts';
import type { SharedCounts } from '../observe/shared-counts.ts';
import { Backoff } from './backoff.ts';
import type { ControlSession } from './control-session.ts';
import type { ControllerStreams, StreamsEvents } from './controller-streams.ts';
import type { GrpcSockets } from './grpc/grpc-connection.ts';
import type { PodResource } from './resources.ts';
import { Subscriptions, type TellThread } from './subscriptions.ts';

/** What the link needs of its process. */
export interface ControlParts {
  readonly sockets: GrpcSockets;
  readonly controller: SocketAddress;
  readonly log: Log;
  readonly namespace: string;
  readonly pod: string;
  readonly meter: Meter;
  /** Of every data thread. */
  readonly counts: readonly SharedCounts[];
  /** From 0 to below 1: spreads reconnecting proxies, in time and over replicas. */
  readonly random: () => number;
  /** To a data thread: a version of a destination it has asked for. */
  readonly update: TellThread;
  /** The pod's own inbound resource has come or changed. */
  readonly inbound: (pod: PodResource) => void;
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

/** The link; `connectControl` makes and opens it. */
export class ControlLink {
  readonly #parts: ControlParts;
  readonly #instance = randomUUID();
  readonly #subscriptions: Subscriptions;
  readonly #backoff: Backoff;
  #control: ControlSession | undefined = undefined;
  #streams: ControllerStreams | undefined = undefined;
  #inbound: PodResource | undefined = undefined;
  #heardMs: number | undefined = undefined;
  #nacks = 0;
  #closed = false;
  #reopen: NodeJS.Timeout | undefined = undefined;
  #unclaimed: NodeJS.Timeout | undefined = undefined;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.random);
    this.#subscriptions = new Subscriptions(parts.update, (key, version, error) =>
      this.#judged(key, version, error),
    );
  }

  /** The pod's own resource, once the controller has told it. */
  get inbound(): PodResource | undefined {
    return this.#inbound;
  }

  figures(): ControlFigures {
    const ageMs = this.#heardMs === undefined ? undefined : performance.now() - this.#heardMs;
    return { connected: this.#control?.welcomed ?? false, ageMs, nacks: this.#nacks };
  }

  /** What it holds, for /config.json. */
  describe(): unknown {
    return this.#subscriptions.describe();
  }

  /** A data thread wants `target`; what is held of it already is told at once. */
  subscribe(thread: number, key: string, target: Target): void {
    if (this.#subscriptions.add(thread, key, target)) this.#control?.subscribe(key, target);
  }

  unsubscribe(thread: number, key: string): void {
    if (this.#subscriptions.remove(thread, key)) this.#control?.unsubscribe(key);
  }

  /**
   * A data thread is gone. What only it knew is kept for the next one, which asks for what it
   * needs; the rest is dropped when a destination would be that idle.
   */
  threadDied(thread: number): void {
    this.#subscriptions.threadDied(thread);
    clearTimeout(this.#unclaimed);
    this.#unclaimed = setTimeout(() => this.#dropUnclaimed(), timeouts.destinationIdleMs).unref();
  }

  #dropUnclaimed(): void {
    for (const key of this.#subscriptions.dropUnclaimed()) this.#control?.unsubscribe(key);
  }

  /** A data thread's answer to a version. */
  applied(thread: number, key: string, version: ResourceVersion, error: string | undefined): void {
    this.#subscriptions.applied(thread, key, version, error);
  }

  #judged(key: string, version: ResourceVersion, error: string | undefined): void {
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
    this.#streams?.close();
  }

  open(): void {
    if (this.#closed) return;
    // Only with a controller: the codecs and the messages are 2 MB of code.
    import('./controller-streams.ts')
      .then((loaded) => this.#open(loaded))
      .catch((error: unknown) => {
        this.#parts.log.error(`the control link cannot be opened: ${String(error)}`);
        this.#reopen = setTimeout(() => this.open(), this.#backoff.next());
      });
  }

  #open({ ControllerStreams }: typeof import('./controller-streams.ts')): void {
    if (this.#closed) return;
    const { controller, counts, meter, namespace, pod, random, sockets } = this.#parts;
    const identity = { namespace, pod, instance: this.#instance };
    const parts = { sockets, controller, identity, meter, counts, random };
    this.#streams = new ControllerStreams(parts, this.#events());
  }

  /** Of one pair of streams. */
  #events(): StreamsEvents {
    let welcomedMs = Number.POSITIVE_INFINITY;
    return {
      opened: (session) => {
        this.#control = session;
        for (const [key, target] of this.#subscriptions.targets()) session.subscribe(key, target);
      },
      heard: () => (this.#heardMs = performance.now()),
      welcomed: () => (welcomedMs = performance.now()),
      update: (key, version, resource) => this.#subscriptions.update(key, version, resource),
      inbound: (pod, version) => {
        if (typeof pod === 'string') return this.#judged('', version, pod);
        this.#inbound = pod;
        this.#parts.inbound(pod);
        this.#judged('', version, undefined);
      },
      ended: (reason) => {
        // One that welcomes and ends at once is not let in again at full speed.
        if (performance.now() - welcomedMs > STABLE_MS) this.#backoff.reset();
        this.#ended(reason);
      },
    };
  }

  #ended(reason: string): void {
    this.#control = undefined;
    this.#streams = undefined;
    if (this.#closed) return;
    const delayMs = this.#backoff.next();
    this.#parts.log.warnRepeated('control', 'the control stream ended', {
      controller: formatSocketAddress(this.#parts.controller),
      reason,
      delayMs,
    });
    this.#reopen = setTimeout(() => this.open(), delayMs);
  }
}

/** Opens the link; it lives until `close`. */
export function connectControl(parts: ControlParts): ControlLink {
  const link = new ControlLink(parts);
  link.open();
  return link;
}
