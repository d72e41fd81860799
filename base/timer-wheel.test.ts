import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Timer, TimerWheel } from './timer-wheel.ts';

const TICK_MS = 10;
/** Ticks of one turn over all slots. */
const TURN_TICKS = 512;

/** A wheel whose clock moves only when told, and what fired when. */
class Bench {
  nowMs = 0;
  readonly fired: [name: string, atMs: number][] = [];
  readonly wheel: TimerWheel;
  runs = 0;

  constructor() {
    this.wheel = new TimerWheel(
      TICK_MS,
      () => this.nowMs,
      (work) => {
        this.runs++;
        work();
      },
    );
  }

  timer(name: string, alsoFire: () => void = () => undefined): Timer {
    return new Timer(() => {
      this.fired.push([name, this.nowMs]);
      alsoFire();
    });
  }

  /** Moves the clock tick by tick, as the interval would. */
  advanceTo(ms: number): void {
    while (this.nowMs < ms) {
      this.nowMs = Math.min(ms, (Math.floor(this.nowMs / TICK_MS) + 1) * TICK_MS);
      this.wheel.advance();
    }
  }
}

function bench(t: { after(clean: () => void): void }): Bench {
  const made = new Bench();
  t.after(() => made.wheel.stop());
  return made;
}

test('TimerWheel fires never early and within a tick of the clock', (t) => {
  for (const [setMs, delayMs, firesMs] of [
    [0, 0, 10],
    [0, 1, 10],
    [0, 10, 10],
    [0, 11, 20],
    [3, 7, 10],
    [3, 8, 20],
    [9.5, 0.5, 10],
    [9.5, 0.6, 20],
    [0, TURN_TICKS * TICK_MS, TURN_TICKS * TICK_MS],
  ] as const) {
    const one = bench(t);
    one.nowMs = setMs;
    one.wheel.set(one.timer('a'), delayMs);
    one.advanceTo(firesMs - 0.1);
    assert.deepEqual(one.fired, [], `${delayMs} ms from ${setMs} fires early`);
    one.advanceTo(firesMs + TICK_MS);
    assert.deepEqual(one.fired, [['a', firesMs]], `${delayMs} ms from ${setMs}`);
  }
});

test('TimerWheel counts the timers that are set', () => {
  const wheel = new TimerWheel(TICK_MS, () => 0);
  const timers = [new Timer(() => undefined), new Timer(() => undefined)] as const;
  for (const timer of timers) wheel.set(timer, 50);
  wheel.set(timers[0], 90);
  assert.equal(wheel.armed, 2);
  for (const timer of timers) wheel.cancel(timer);
  assert.equal(wheel.armed, 0);
});

test('TimerWheel fires once, and a timer is armed only until then', (t) => {
  const one = bench(t);
  const timer = one.timer('a');
  assert.equal(timer.armed, false);
  one.wheel.set(timer, 25);
  assert.equal(timer.armed, true);
  one.advanceTo(2 * TURN_TICKS * TICK_MS);
  assert.deepEqual(one.fired, [['a', 30]]);
  assert.equal(timer.armed, false);
});

test('TimerWheel leaves a timer of a later turn in its slot until its tick has come', (t) => {
  const one = bench(t);
  const turnMs = TURN_TICKS * TICK_MS;
  one.wheel.set(one.timer('third turn'), 50 + 2 * turnMs);
  one.wheel.set(one.timer('first turn'), 50);
  one.wheel.set(one.timer('second turn'), 50 + turnMs);
  one.advanceTo(3 * turnMs);
  assert.deepEqual(one.fired, [
    ['first turn', 50],
    ['second turn', 50 + turnMs],
    ['third turn', 50 + 2 * turnMs],
  ]);
});

for (const stallTicks of [3, TURN_TICKS - 1, TURN_TICKS, TURN_TICKS + 1, 5 * TURN_TICKS + 7]) {
  test(`TimerWheel fires all that is due, and no more, after a stall of ${stallTicks} ticks`, (t) => {
    const one = bench(t);
    const stallMs = stallTicks * TICK_MS;
    const delays = [1, 10, 11, stallMs - 1, stallMs, stallMs + 1, stallMs + TURN_TICKS * TICK_MS];
    for (const delayMs of delays) one.wheel.set(one.timer(String(delayMs)), delayMs);
    one.nowMs = stallMs;
    one.wheel.advance();
    assert.deepEqual(
      one.fired.map(([name]) => Number(name)).toSorted((a, b) => a - b),
      delays.filter((delayMs) => delayMs <= stallMs),
    );
    one.advanceTo(stallMs + (TURN_TICKS + 1) * TICK_MS);
    assert.equal(one.fired.length, delays.length);
  });
}

test('TimerWheel does not fire a timer that another of its tick cancelled or set anew', (t) => {
  const one = bench(t);
  const victim = one.timer('cancelled');
  const later = one.timer('later');
  const killer = one.timer('killer', () => {
    one.wheel.cancel(victim);
    one.wheel.set(later, 50);
  });
  // The last set is at the head of its slot: it fires first.
  one.wheel.set(victim, 10);
  one.wheel.set(later, 10);
  one.wheel.set(killer, 10);
  one.advanceTo(100);
  assert.deepEqual(one.fired, [
    ['killer', 10],
    ['later', 60],
  ]);
});

test('TimerWheel lets a timer set itself again as it fires, the only one too', (t) => {
  const one = bench(t);
  const again: Timer = one.timer('again', () => {
    if (one.fired.length < 4) one.wheel.set(again, 15);
  });
  one.wheel.set(again, 15);
  one.advanceTo(200);
  assert.deepEqual(
    one.fired.map(([, ms]) => ms),
    [20, 40, 60, 80],
  );
});

test('TimerWheel goes on from the present when it was idle for long', (t) => {
  const one = bench(t);
  one.wheel.set(one.timer('a'), 10);
  one.advanceTo(20);
  one.nowMs = 3 * TURN_TICKS * TICK_MS + 5;
  one.wheel.set(one.timer('b'), 10);
  one.wheel.advance();
  assert.equal(one.fired.length, 1);
  const dueMs = 3 * TURN_TICKS * TICK_MS + 20;
  one.advanceTo(dueMs);
  assert.deepEqual(one.fired.at(-1), ['b', dueMs]);
});

test('TimerWheel set again moves a timer, and cancel twice is as once', (t) => {
  const one = bench(t);
  const timer = one.timer('a');
  one.wheel.set(timer, 10);
  one.wheel.set(timer, 100);
  one.advanceTo(90);
  assert.deepEqual(one.fired, []);
  one.advanceTo(100);
  assert.deepEqual(one.fired, [['a', 100]]);
  one.wheel.set(timer, 10);
  one.wheel.cancel(timer);
  one.wheel.cancel(timer);
  one.advanceTo(200);
  assert.equal(one.fired.length, 1);
});

test('TimerWheel fires a timer that is put off again and again when the last time has come', (t) => {
  const one = bench(t);
  const timer = one.timer('a');
  for (let ms = 0; ms < 3 * TURN_TICKS * TICK_MS; ms += TICK_MS) {
    one.advanceTo(ms);
    one.wheel.set(timer, 55);
  }
  const lastMs = one.nowMs;
  assert.deepEqual(one.fired, []);
  one.advanceTo(lastMs + 50);
  assert.deepEqual(one.fired, []);
  one.advanceTo(lastMs + 60);
  assert.deepEqual(one.fired, [['a', lastMs + 60]]);
});

test('TimerWheel set again to an earlier time fires then, put off or not', (t) => {
  const one = bench(t);
  const timer = one.timer('a');
  one.wheel.set(timer, 100);
  one.wheel.set(timer, 30);
  one.wheel.set(timer, 200);
  one.wheel.set(timer, 50);
  one.advanceTo(500);
  assert.deepEqual(one.fired, [['a', 50]]);
});

test('TimerWheel puts off a timer whose time comes in the same run', (t) => {
  const one = bench(t);
  const victim = one.timer('put off');
  const other = one.timer('other', () => one.wheel.set(victim, 20));
  one.wheel.set(victim, 10);
  one.wheel.set(other, 10);
  one.advanceTo(1_000);
  assert.deepEqual(one.fired, [
    ['other', 10],
    ['put off', 30],
  ]);
});

test('TimerWheel fires the timers of one tick in one run, and runs nothing in an empty tick', (t) => {
  const one = bench(t);
  for (const name of ['a', 'b', 'c']) one.wheel.set(one.timer(name), 30);
  one.wheel.set(one.timer('other slot'), 50);
  one.advanceTo(100);
  assert.equal(one.fired.length, 4);
  assert.equal(one.runs, 2);
});

test('TimerWheel ticks by itself, and again after stop as soon as a timer is set', async (t) => {
  const wheel = new TimerWheel(1, () => performance.now());
  t.after(() => wheel.stop());
  // The wheel's interval does not keep the process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  wheel.set(new Timer(first.resolve), 2);
  wheel.stop();
  wheel.set(new Timer(second.resolve), 5);
  await Promise.all([first.promise, second.promise]);
});

/** Sets `count` timers of one tick, and counts those that fire in each turn of the event loop. */
async function burst(
  t: { after(clean: () => void): void },
  count: number,
  onFire: (n: number, timers: readonly Timer[], wheel: TimerWheel) => void = () => undefined,
): Promise<{ fired: number; turns: number[] }> {
  const wheel = new TimerWheel(1, () => performance.now());
  t.after(() => wheel.stop());
  const turns = [0];
  const turn = (): void => {
    if (turns.at(-1) !== 0) turns.push(0);
  };
  const pulse = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(pulse));
  const over = Promise.withResolvers<void>();
  let fired = 0;
  const timers = Array.from({ length: count }, (_, n) => {
    return new Timer(() => {
      fired++;
      turns[turns.length - 1]!++;
      onFire(n, timers, wheel);
      // This turn's checks come before the timers of the next.
      setImmediate(turn);
      if (wheel.armed === 0) over.resolve();
    });
  });
  for (const timer of timers) wheel.set(timer, 5);
  await over.promise;
  return { fired, turns };
}

test('TimerWheel fires a burst a part at a time, and the event loop goes round in between', async (t) => {
  const { fired, turns } = await burst(t, 1_000);
  assert.equal(fired, 1_000);
  assert.ok(Math.max(...turns) <= 16, turns.join());
});

test('TimerWheel does not fire what is cancelled or put off while it waits in a burst', async (t) => {
  const count = 500;
  const names: number[] = [];
  let putOff = 0;
  const { fired } = await burst(t, count, (n, timers, wheel) => {
    names.push(n);
    if (names.length !== 1) return;
    // Whatever the order within a slot: the first to fire ends half of the others.
    timers.forEach((timer, other) => {
      if (other === n || !timer.armed) return;
      if (other % 2 === 0) wheel.cancel(timer);
      else if (other % 4 === 1) {
        wheel.set(timer, 50);
        putOff++;
      }
    });
  });
  assert.equal(new Set(names).size, names.length, 'none fires twice');
  assert.equal(fired, names.length);
  const odd = names.filter((n) => n % 2 === 1).length;
  assert.ok(odd >= count / 2 - 1 && fired - odd <= 1, `${fired} fired, ${odd} of them odd`);
  assert.ok(putOff > 0);
  const late = names.slice(-putOff).filter((n) => n % 4 === 1).length;
  assert.equal(late, putOff, 'those put off come last');
});

test('TimerWheel goes on with a burst after stop', async (t) => {
  let stopped = false;
  const { fired } = await burst(t, 300, (_n, timers, wheel) => {
    if (stopped) return;
    stopped = true;
    wheel.stop();
    const last = timers.find((timer) => timer.armed);
    if (last !== undefined) wheel.set(last, 10);
  });
  assert.equal(fired, 300);
});

/** Timers of a burst whose first one cancels all others, held by nobody here. */
async function cancelledBurst(wheel: TimerWheel): Promise<WeakRef<Timer>[]> {
  const over = Promise.withResolvers<void>();
  const timers = Array.from({ length: 100 }, () => {
    return new Timer(() => {
      for (const timer of timers) wheel.cancel(timer);
      over.resolve();
    });
  });
  for (const timer of timers) wheel.set(timer, 5);
  const pulse = setInterval(() => undefined, 1_000);
  await over.promise;
  clearInterval(pulse);
  return timers.map((timer) => new WeakRef(timer));
}

test('TimerWheel keeps nothing of a burst that is cancelled', async (t) => {
  const wheel = new TimerWheel(1, () => performance.now());
  t.after(() => wheel.stop());
  const refs = await cancelledBurst(wheel);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('globalThis.gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  // What was looked at lives to the end of its turn.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 0);
  assert.equal(wheel.armed, 0);
});
