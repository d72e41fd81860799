/**
 * Coarse timers: one wheel a thread instead of a `setTimeout` a connection.
 *
 *   slot:   0    1    2   ...  511        one slot a tick; a timer further away than a turn of
 *           |    |                        the wheel stays in its slot until its tick has come
 *           t3   t1 - t7
 *
 * A timer that is set again to a later time stays where it is and moves on when its slot comes: a
 * busy connection puts its timeouts off with every message, and that costs one write. A timer fires
 * never early, and less than two ticks late: one for its slot, one because the interval ticks at
 * any phase. Not in a burst: where thousands are due at once (a flood that is cut off) they fire a
 * part at a time, with a look at the sockets in between: nobody else waits for all of them.
 */

const SLOTS = 512;
/** What is fired before the event loop goes round: about as long as a request takes. */
const FIRED_AT_ONCE_MAX = 4;

/** One timeout of one owner, armed on at most one wheel at a time. `fire` runs inside a turn. */
export class Timer {
  next: Timer | undefined = undefined;
  previous: Timer | undefined = undefined;
  /** Tick of its slot, at or before `due`; -1 when it is not set. */
  tick = -1;
  /** Tick at which it fires. */
  due = -1;
  readonly fire: () => void;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  get armed(): boolean {
    return this.tick !== -1;
  }
}

/** The timers of one thread, in steps of one tick. */
export class TimerWheel {
  readonly #tickMs: number;
  readonly #now: () => number;
  readonly #run: (work: () => void) => void;
  readonly #slots: (Timer | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  #tick: number;
  #armed = 0;
  #interval: NodeJS.Timeout | undefined = undefined;
  /** Due, and beyond what was fired at once; still in their slots. */
  #late: Timer[] = [];
  #soon: NodeJS.Immediate | undefined = undefined;

  /**
   * `now` gives monotonic milliseconds. `run` wraps the firing of one tick's timers, so that what
   * they write leaves in one turn.
   */
  constructor(tickMs: number, now: () => number, run: (work: () => void) => void = call) {
    this.#tickMs = tickMs;
    this.#now = now;
    this.#run = run;
    this.#tick = Math.floor(now() / tickMs);
  }

  /** Timers that are set. */
  get armed(): number {
    return this.#armed;
  }

  /** The clock that timers go by, milliseconds. */
  get nowMs(): number {
    return this.#now();
  }

  /** HOT: per exchange. Arms `timer`, again if it was armed. */
  set(timer: Timer, delayMs: number): void {
    const nowMs = this.#now();
    if (this.#armed === 0) this.#tick = Math.floor(nowMs / this.#tickMs);
    const due = Math.max(this.#tick + 1, Math.ceil((nowMs + delayMs) / this.#tickMs));
    timer.due = due;
    if (this.#interval === undefined) this.#start();
    if (timer.tick === -1) {
      this.#armed++;
      this.#link(timer);
    } else if (due < timer.tick) this.#move(timer);
  }

  cancel(timer: Timer): void {
    if (timer.tick === -1) return;
    this.#unlink(timer);
    if (--this.#armed > 0) return;
    // What is left of a burst is cancelled too: nobody looks there again until timers are set.
    this.#late.length = 0;
    this.stop();
  }

  /** Milliseconds at the last tick; it stands still while nothing is armed. HOT: per exchange. */
  get tickedMs(): number {
    return this.#tick * this.#tickMs;
  }

  /** Milliseconds until `timer` fires, to a tick; negative when it is not armed. HOT: per exchange. */
  left(timer: Timer): number {
    return timer.tick === -1 ? -1 : (timer.due - this.#tick) * this.#tickMs;
  }

  /** Fires all that is due: for tests with a fake clock. */
  advance(): void {
    this.#advance(Number.POSITIVE_INFINITY);
  }

  /** Stops the interval; armed timers stay armed but fire no more until `set` is called. */
  stop(): void {
    clearInterval(this.#interval);
    clearImmediate(this.#soon);
    this.#interval = undefined;
    this.#soon = undefined;
  }

  #start(): void {
    this.#interval = setInterval(() => {
      if (this.#soon === undefined) this.#beat();
    }, this.#tickMs).unref();
  }

  /** As `advance`, a part at a time. */
  #beat(): void {
    this.#advance(FIRED_AT_ONCE_MAX);
    if (this.#late.length === 0 || this.#interval === undefined) return;
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#beat();
    });
  }

  /** Fires what is due, `most` of it at most. */
  #advance(most: number): void {
    let left = most - this.#fireLate(most);
    const target = Math.floor(this.#now() / this.#tickMs);
    // After a long stall one turn over all slots finds everything that is due.
    const from = Math.max(this.#tick + 1, target - SLOTS + 1);
    for (let tick = from; tick <= target && this.#armed > 0; tick++) {
      this.#tick = tick;
      left -= this.#fireSlot(tick, target, left);
    }
    this.#tick = target;
  }

  #fireLate(most: number): number {
    if (this.#late.length === 0) return 0;
    const due = this.#late.splice(0, Math.min(most, this.#late.length));
    this.#fire(due, due.length, this.#tick);
    return due.length;
  }

  #fireSlot(tick: number, target: number, most: number): number {
    const due: Timer[] = [];
    let next: Timer | undefined;
    for (let timer = this.#slots[tick % SLOTS]; timer !== undefined; timer = next) {
      next = timer.next;
      if (timer.tick > target) continue;
      if (timer.due > target) this.#move(timer);
      else due.push(timer);
    }
    const count = Math.min(due.length, most);
    for (let i = count; i < due.length; i++) this.#late.push(due[i]!);
    if (count > 0) this.#fire(due, count, target);
    return count;
  }

  /** The first `count`. */
  #fire(due: readonly Timer[], count: number, target: number): void {
    this.#run(() => {
      for (let i = 0; i < count; i++) {
        const timer = due[i]!;
        // One that an earlier one cancelled or set anew is not due any more.
        if (timer.tick === -1 || timer.tick > target) continue;
        if (timer.due > target) this.#move(timer);
        else {
          this.cancel(timer);
          timer.fire();
        }
      }
    });
  }

  /** To the slot of the tick at which it is due. */
  #move(timer: Timer): void {
    this.#unlink(timer);
    this.#link(timer);
  }

  #link(timer: Timer): void {
    timer.tick = timer.due;
    const slot = timer.tick % SLOTS;
    const first = this.#slots[slot];
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
  }

  #unlink(timer: Timer): void {
    const { next, previous } = timer;
    if (previous === undefined) this.#slots[timer.tick % SLOTS] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    timer.next = undefined;
    timer.previous = undefined;
    timer.tick = -1;
  }
}

const call = (work: () => void): void => work();
