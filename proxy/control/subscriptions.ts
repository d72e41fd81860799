/**
 * Which data thread asked for which destination, and what each version came to: the threads of a
 * process are one subscriber to the controller.
 *
 *   first thread asks ─> subscribe      the next ones get what is held at once
 *   version ─> every thread that asked ─> all applied: ack      any refuses: nack, once
 *   last thread drops it ─> unsubscribe
 *   thread dies ─> it owes no answer; what only it asked for is kept for its next life
 */
import type { Target } from '../model/destination.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';

/** To one thread: put this version in force, and answer. */
export type TellThread = (
  thread: number,
  key: string,
  version: ResourceVersion,
  resource: Resource,
) => void;

/** To the controller: the version is in force, or why it is not. */
export type Verdict = (key: string, version: ResourceVersion, error: string | undefined) => void;

interface Told {
  /** When it came. */
  readonly atMs: number;
  readonly version: ResourceVersion;
  readonly resource: Resource;
  /** Threads that have not answered yet. */
  readonly waiting: Set<number>;
  /** A thread has put it in force. */
  applied: boolean;
  /** Why a thread did not put it in force. */
  error: string | undefined;
  /** The controller has its answer. */
  judged: boolean;
}

interface Subscription {
  readonly target: Target;
  /** Threads that have asked for it and live. */
  readonly threads: Set<number>;
  /** Versions that some thread has not answered, oldest first. */
  asked: Told[];
  /** The last version, and the last one that was put in force. */
  last: Told | undefined;
  good: Told | undefined;
}

/** What the data threads of one process are subscribed to. */
export class Subscriptions {
  readonly #byKey = new Map<string, Subscription>();
  readonly #tell: TellThread;
  readonly #judge: Verdict;
  readonly #nowMs: () => number;

  /** `nowMs`: monotonic milliseconds. */
  constructor(tell: TellThread, judge: Verdict, nowMs: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#judge = judge;
    this.#nowMs = nowMs;
  }

  /** Each once, for a new stream. */
  *targets(): IterableIterator<readonly [key: string, target: Target]> {
    for (const [key, { target }] of this.#byKey) yield [key, target];
  }

  /** What is held, for people. */
  describe(): unknown {
    const rows = [...this.#byKey].map(([key, { asked, good, last, target, threads }]) => {
      const nowMs = this.#nowMs();
      const said = {
        threads: [...threads],
        last: describeTold(last, nowMs),
        good: describeTold(good, nowMs),
      };
      return [key, { target, unanswered: asked.length, ...said }] as const;
    });
    return Object.fromEntries(rows);
  }

  /** A thread wants `target` and is told what is held of it; true when the controller must be asked. */
  add(thread: number, key: string, target: Target): boolean {
    const held = this.#byKey.get(key);
    if (held === undefined) {
      const nothing = { asked: [], last: undefined, good: undefined };
      this.#byKey.set(key, { target, threads: new Set([thread]), ...nothing });
      return true;
    }
    held.threads.add(thread);
    const { asked, good, last } = held;
    // Oldest first, and all that may yet prove good: the last may be refused.
    const known = [...new Set([good, ...asked, last])].filter((told) => told !== undefined);
    held.asked = known;
    for (const { waiting } of known) waiting.add(thread);
    for (const { version, resource } of known) this.#tell(thread, key, version, resource);
    return false;
  }

  /** A thread has no more use for it; true when no other has and the controller must be told. */
  remove(thread: number, key: string): boolean {
    const subscription = this.#byKey.get(key);
    if (subscription?.threads.delete(thread) !== true) return false;
    if (subscription.threads.size === 0) return this.#byKey.delete(key);
    this.#expectNothing(thread, key, subscription);
    return false;
  }

  /** The thread is gone. What it alone had asked for stays, for its next life. */
  threadDied(thread: number): void {
    for (const [key, subscription] of this.#byKey) {
      if (subscription.threads.delete(thread)) this.#expectNothing(thread, key, subscription);
    }
  }

  /** Drops what no living thread has asked for, and says what that was. */
  dropUnclaimed(): readonly string[] {
    const dropped = [...this.#byKey].filter(([, { threads }]) => threads.size === 0);
    for (const [key] of dropped) this.#byKey.delete(key);
    return dropped.map(([key]) => key);
  }

  /** A version has come. */
  update(key: string, version: ResourceVersion, resource: Resource): void {
    const subscription = this.#byKey.get(key);
    // Unsubscribed while the update was on its way.
    if (subscription === undefined) return;
    const nothing = { applied: false, error: undefined, judged: false };
    const atMs = this.#nowMs();
    const told: Told = { atMs, version, resource, waiting: new Set(), ...nothing };
    subscription.last = told;
    // Asked of all before any is told: the first answer alone is no verdict.
    const threads = [...subscription.threads];
    if (threads.length > 0) subscription.asked.push(told);
    for (const thread of threads) told.waiting.add(thread);
    for (const thread of threads) this.#tell(thread, key, version, resource);
  }

  /** A thread's answer to a version. */
  applied(thread: number, key: string, version: ResourceVersion, error: string | undefined): void {
    const subscription = this.#byKey.get(key);
    const asked = subscription?.asked.filter(({ waiting }) => waiting.has(thread)) ?? [];
    const at = asked.findIndex((told) => isSame(told.version, version));
    if (subscription === undefined || at === -1) return;
    // A thread answers in order: what it passed over it will not answer any more.
    for (const told of asked.slice(0, at + 1)) told.waiting.delete(thread);
    const told = asked[at]!;
    if (error === undefined) told.applied = true;
    else {
      told.error ??= error;
      this.#say(key, told);
    }
    this.#settle(key, subscription);
  }

  #expectNothing(thread: number, key: string, subscription: Subscription): void {
    for (const { waiting } of subscription.asked) waiting.delete(thread);
    this.#settle(key, subscription);
  }

  /** Judges the versions whose last answer has come. */
  #settle(key: string, subscription: Subscription): void {
    const settled = subscription.asked.filter(({ waiting }) => waiting.size === 0);
    subscription.asked = subscription.asked.filter(({ waiting }) => waiting.size > 0);
    for (const told of settled) {
      if (!told.applied || told.error !== undefined) continue;
      subscription.good = told;
      this.#say(key, told);
    }
  }

  #say(key: string, told: Told): void {
    if (told.judged) return;
    told.judged = true;
    this.#judge(key, told.version, told.error);
  }
}

const describeTold = (told: Told | undefined, nowMs: number): unknown =>
  told && {
    version: told.version,
    ageMs: Math.round(nowMs - told.atMs),
    resource: told.resource,
    error: told.error,
  };

const isSame = (a: ResourceVersion, b: ResourceVersion): boolean =>
  a.epoch === b.epoch && a.counter === b.counter;
