/**
 * The destinations one thread knows, each with its own version, in use or waiting for an answer.
 *
 *   asked ──update──> known ──update──> known (compiled, then swapped; a bad one changes nothing)
 *     │ └─"no such service"─> fallback: a name service, kept for a while, or 404; of a connection that
 *     │                       was redirected, the address it was going to, until an update
 *     └─3 s─> 503 until an answer comes                known, unused for 5 min ──> forgotten
 *
 * Of addresses there is no end: where the table is full, one that is nobody's, or was never answered about,
 * and was not used lately makes room.
 */
import { parseSocketAddress } from '../../base/settings.ts';
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../limits.ts';
import type { Destination, DestinationResource, Target } from '../model/destination.ts';
import type { PortProtocol } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { DestinationState } from '../model/thread-state.ts';
import type { DnsAnswer, Resolve } from './dns.ts';
import { describeFound } from './describe-found.ts';
import { LearnedRoutes } from './learn.ts';
import { formatTarget } from './target.ts';
import { outsideDestination } from './unlabelled.ts';

/** A destination, or why there is none. */
export type Found = Destination | MeshError;

/** Where destinations come from and what becomes of them. */
export interface DestinationsParts {
  readonly wheel: TimerWheel;
  readonly nowUs: () => number;
  /** Asks the control side for updates of the target; undefined when there is none to ask. */
  readonly subscribe: ((key: string, target: Target) => void) | undefined;
  readonly unsubscribe: (key: string) => void;
  /** Compiles one version; throws with the reason when it cannot be used. */
  readonly compile: (resource: DestinationResource, learned: LearnedRoutes) => Destination;
  /** Lets go of a compiled version's endpoints. */
  readonly dispose: (destination: Destination) => void;
  /** What was asked for by this key is a pod that is about to end, or not any more. */
  readonly ending?: (key: string, ending: boolean) => void;
  /** Where a target goes that no service answers to; undefined: nowhere, 404. */
  readonly fallback: Resolve | undefined;
}

interface Entry {
  readonly key: string;
  readonly target: Target;
  readonly learned: LearnedRoutes;
  /** A fallback may answer for it: the request named it, no listener stands for it. */
  readonly explicit: boolean;
  found: Found | undefined;
  waiters: ((found: Found) => void)[];
  readonly deadline: Timer;
  usedUs: number;
  /** When it had been used, as it was last passed in the search for room. */
  passedUs: number;
  /** When a fallback's answer has to be asked for again; 0 for others. */
  staleUs: number;
  /** The question to the fallback that is under way; an answer to an older one comes too late. */
  asked: object | undefined;
  /** Needs no asking, and is never forgotten. */
  readonly installed: boolean;
  forgotten: boolean;
  /** What was told last of its ending. */
  ending: boolean;
}

const SWEEP_MS = 60_000;

/** The destinations of one thread. */
export class Destinations {
  readonly #parts: DestinationsParts;
  readonly #entries = new Map<string, Entry>();
  /** Those of addresses, which anybody may dial. */
  readonly #addresses = new Set<Entry>();
  /** The way to an entry for targets that are asked for again, without building its key. */
  readonly #byTarget = new WeakMap<Target, Entry>();
  readonly #sweep: Timer;
  #anyPort = false;

  constructor(parts: DestinationsParts) {
    this.#parts = parts;
    this.#sweep = new Timer(() => this.#forgetIdle());
  }

  /** Whether the key was asked for and is not forgotten. */
  knows(key: string): boolean {
    return this.#entries.has(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Every target that was asked for or installed, for people. */
  describe(): readonly DestinationState[] {
    const { nowMs } = this.#parts.wheel;
    return [...this.#entries].map(([key, { found }]) => describeFound(key, found, nowMs));
  }

  /** HOT: per exchange. What is known of the target; undefined: `whenFound` will tell. */
  find(target: Target, explicit: boolean): Found | undefined {
    const known = this.#byTarget.get(target);
    const entry = known === undefined || known.forgotten ? this.#lookUp(target, explicit) : known;
    if (entry === undefined) return tooMany();
    entry.usedUs = this.#parts.nowUs();
    const stale = entry.staleUs > 0 && entry.usedUs > entry.staleUs;
    if (stale && entry.asked === undefined) this.#resolve(entry);
    return entry.found;
  }

  #lookUp(target: Target, explicit: boolean): Entry | undefined {
    const key = formatTarget(target);
    const entry =
      this.#entries.get(key) ??
      (this.#anyPort ? this.#entries.get(anyPortKey(target)) : undefined) ??
      this.#ask(key, target, explicit);
    if (entry !== undefined) this.#byTarget.set(target, entry);
    return entry;
  }

  /** Tells once, when the target that `find` did not know is known or will not be. */
  whenFound(target: Target, tell: (found: Found) => void): void {
    const entry = this.#entries.get(formatTarget(target));
    if (entry === undefined) return tell(tooMany());
    if (entry.found !== undefined) return tell(entry.found);
    entry.waiters.push(tell);
  }

  /**
   * Puts a destination in place that needs no asking (stand-alone), for the target's port or for
   * any. Throws when it is bad.
   */
  install(target: Target, resource: DestinationResource, anyPort: boolean): void {
    const key = anyPort ? anyPortKey(target) : formatTarget(target);
    const entry = this.#create(key, target, { explicit: false, installed: true });
    entry.found = this.#parts.compile(resource, entry.learned);
    this.#parts.wheel.cancel(entry.deadline);
    this.#anyPort ||= anyPort;
  }

  /** A new version; undefined when it is in force, otherwise why it is not (then the old one is). */
  apply(key: string, resource: DestinationResource): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    try {
      // Of an address no service is told where it is a pod's.
      const fixed = entry.target.originalDst !== undefined && resource.service === '';
      this.#settle(entry, this.#parts.compile({ ...resource, fixed }, entry.learned));
      entry.staleUs = 0;
      entry.asked = undefined;
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const sentence = `What the controller says of ${key} cannot be used: ${reason}.`;
      // Without a last good version there is nothing to wait for.
      if (entry.found === undefined)
        this.#settle(entry, new MeshError('internal', 'proxy', sentence));
      return reason;
    }
  }

  /** The controller's explicit word that the target is no service; `declared`: what is spoken there. */
  applyNoSuchService(key: string, reason: string, declared?: PortProtocol): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.target.originalDst !== undefined) return this.#goOutside(entry, declared);
    const gone = new MeshError('no-such-service', 'proxy', reason);
    if (!entry.explicit || this.#parts.fallback === undefined) return this.#settle(entry, gone);
    // What the controller itself said before must not outlive its word that the service is gone.
    if (entry.staleUs === 0 && entry.found !== undefined) this.#settle(entry, gone);
    this.#resolve(entry);
  }

  /** Nobody needs the target any more; who comes to need it asks again. */
  forget(target: Target): void {
    const entry = this.#entries.get(formatTarget(target));
    if (entry !== undefined && !entry.installed && entry.waiters.length === 0) this.#forget(entry);
  }

  #ask(key: string, target: Target, explicit: boolean): Entry | undefined {
    if (this.#entries.size >= limits.destinationsMax && !this.#makeRoom()) return undefined;
    const entry = this.#create(key, target, { explicit, installed: false });
    if (this.#parts.subscribe !== undefined) this.#parts.subscribe(key, target);
    else if (target.originalDst !== undefined) this.#goOutside(entry, undefined);
    else if (explicit && this.#parts.fallback !== undefined) this.#resolve(entry);
    else
      this.#settle(entry, new MeshError('no-such-service', 'proxy', `No service is named ${key}.`));
    return entry;
  }

  #create(key: string, target: Target, kind: Pick<Entry, 'explicit' | 'installed'>): Entry {
    const nowUs = this.#parts.nowUs();
    const entry: Entry = {
      key,
      target,
      learned: new LearnedRoutes(),
      ...kind,
      found: undefined,
      waiters: [],
      deadline: new Timer(() => {
        const sentence = `The controller has not answered about ${key} for ${timeouts.discoveryTimeoutMs} ms.`;
        this.#settle(entry, new MeshError('discovery-timeout', 'proxy', sentence));
      }),
      usedUs: nowUs,
      passedUs: nowUs,
      staleUs: 0,
      asked: undefined,
      forgotten: false,
      ending: false,
    };
    this.#entries.set(key, entry);
    if (target.originalDst !== undefined && !kind.installed) this.#addresses.add(entry);
    this.#parts.wheel.set(entry.deadline, timeouts.discoveryTimeoutMs);
    if (!this.#sweep.armed) this.#parts.wheel.set(this.#sweep, SWEEP_MS);
    return entry;
  }

  /** The address is no service's: the connection goes where it was going. */
  #goOutside(entry: Entry, declared: PortProtocol | undefined): void {
    const address = parseSocketAddress(entry.target.originalDst ?? '');
    if (address === undefined) {
      const sentence = `${entry.key} is no address.`;
      return this.#settle(entry, new MeshError('internal', 'proxy', sentence));
    }
    const resource = { ...outsideDestination(address), declared };
    this.#settle(entry, this.#parts.compile(resource, entry.learned));
  }

  #resolve(entry: Entry): void {
    const question = {};
    entry.asked = question;
    // The controller has answered, or there is none: from here the fallback's own deadline counts.
    this.#parts.wheel.cancel(entry.deadline);
    this.#parts.fallback?.(entry.target, (answer) => {
      if (entry.asked !== question || entry.forgotten) return;
      entry.asked = undefined;
      this.#resolved(entry, answer);
    });
  }

  #resolved(entry: Entry, { found, keepMs }: DnsAnswer): void {
    entry.staleUs = this.#parts.nowUs() + keepMs * 1000;
    const before = entry.found;
    const works = before !== undefined && !(before instanceof MeshError);
    // A name service that fails takes nothing away from an answer that worked.
    if (works && found instanceof MeshError && found.code !== 'no-such-service') return;
    if (found instanceof MeshError) this.#settle(entry, found);
    else this.#settle(entry, this.#parts.compile(found, entry.learned));
  }

  #settle(entry: Entry, found: Found): void {
    this.#parts.wheel.cancel(entry.deadline);
    const before = entry.found;
    entry.found = found;
    if (!(found instanceof MeshError) && found.readyCount === 0) {
      const since = before instanceof MeshError ? undefined : before?.noneReadySinceMs;
      found.noneReadySinceMs = since ?? this.#parts.wheel.nowMs;
    }
    if (before !== undefined && !(before instanceof MeshError)) this.#parts.dispose(before);
    for (const tell of entry.waiters.splice(0)) tell(found);
    const ending = !(found instanceof MeshError) && found.ending === true;
    if (ending !== entry.ending) this.#parts.ending?.(entry.key, ending);
    entry.ending = ending;
  }

  #forgetIdle(): void {
    const before = this.#parts.nowUs() - timeouts.destinationIdleMs * 1000;
    for (const entry of this.#entries.values()) {
      if (entry.installed || entry.usedUs > before || entry.waiters.length > 0) continue;
      this.#forget(entry);
    }
    if (this.#entries.size > 0) this.#parts.wheel.set(this.#sweep, SWEEP_MS);
  }

  /**
   * Once round at the most, false when all are services or waited for: who was used since it was last
   * passed is passed again. So each use is paid for once, and a full table costs no more than others.
   */
  #makeRoom(): boolean {
    let left = this.#addresses.size;
    for (const entry of this.#addresses) {
      if (left-- === 0) return false;
      const { found, passedUs, usedUs, waiters } = entry;
      const known = found !== undefined && !(found instanceof MeshError);
      const needed = found === undefined || waiters.length > 0 || (known && found.outside !== true);
      if (!needed && usedUs <= passedUs) {
        this.#forget(entry);
        return true;
      }
      entry.passedUs = usedUs;
      this.#addresses.delete(entry);
      this.#addresses.add(entry);
    }
    return false;
  }

  #forget(entry: Entry): void {
    const { deadline, found, key } = entry;
    this.#entries.delete(key);
    this.#addresses.delete(entry);
    entry.forgotten = true;
    this.#parts.wheel.cancel(deadline);
    this.#parts.unsubscribe(key);
    // The address may come to be of another pod, which is no news to who asks then.
    if (entry.ending) this.#parts.ending?.(key, false);
    if (found !== undefined && !(found instanceof MeshError)) this.#parts.dispose(found);
  }
}

const anyPortKey = ({ authority }: Target): string => `${authority ?? ''}:*`;

const tooMany = (): MeshError =>
  new MeshError(
    'overloaded',
    'proxy',
    `This thread knows ${limits.destinationsMax} destinations that are services or waited for, its limit.`,
  );
