/**
 * One run of a plan, blocking this thread until it is over. START HERE to see what is measured.
 *
 *   schedule ──> queue ──> a free ticket ──> sent ──> answered | failed ──> ticket free
 *      due      noticed
 *
 *   lateness = (noticed - due) + (sent - the later of noticed and the ticket's freeing)
 *   latency  = answer's last byte - due            (closed loop: - sent)
 */
import type { Client, Outcomes } from './client.ts';
import { Connection, type Dialling } from './connection.ts';
import { DueQueue } from './due-queue.ts';
import { FreeTickets } from './free-tickets.ts';
import { Http1Client } from './http1.ts';
import { Http2Client } from './http2.ts';
import { allocateNative, setRealTime, setTimerSlackNs } from './libc.ts';
import { DRAIN_MS, PRIME_MS, type LoadPlan, type LoadResult } from './plan.ts';
import { Poller } from './poller.ts';
import { readClocks, spentBetween } from './readings.ts';
import { ShapePicker, createSchedule, type Schedule } from './schedule.ts';
import { socketAddress } from './socket.ts';
import { Tally } from './tally.ts';

/** Connections that ask for the first time at once: below any listener's backlog. */
const PRIMED_AT_ONCE = 64;
/** A connection that could not be dialled is left alone for this long. */
const REST_US = 10_000;
const INPUT_BYTES = 1 << 16;

/** States of a ticket: not under way, or under way and fallen due outside or in the window. */
const FREE = 0;
const UNCOUNTED = 1;
const COUNTED = 2;

const clockUs = (): number => performance.now() * 1e3;

/**
 * Runs `plan`. Throws with a sentence when its server does not answer or a process is gone. An open
 * loop runs at real-time priority where we may: what shares its core, or the machine, would delay
 * its sends by milliseconds. A closed loop must not: it would take each answer alone.
 */
export function runPlan(plan: LoadPlan): LoadResult {
  setTimerSlackNs(1);
  const realTime = plan.arrival.kind !== 'closed' && setRealTime(true);
  try {
    using run = new Run(plan, clientOf(plan));
    return { ...run.run(), realTime };
  } finally {
    setRealTime(false);
  }
}

const clientOf = (plan: LoadPlan): Client =>
  plan.protocol === 'http2' ? new Http2Client(plan) : new Http1Client(plan);

class Run implements Outcomes {
  readonly #plan: LoadPlan;
  readonly #poller = new Poller();
  /** Those that carry load, then the idle ones. */
  readonly #connections: readonly Connection[];
  readonly #ticketsEach: number;
  /** Tickets of connections that carry load; those of idle ones come after. */
  readonly #tickets: number;
  readonly #picker: ShapePicker;
  readonly #schedule: Schedule | undefined;
  readonly #queue = new DueQueue();
  readonly #free: FreeTickets;
  /** Tickets left alone for a while after they could not be dialled, the first to wake first. */
  readonly #resting: { readonly ticket: number; readonly untilUs: number }[] = [];
  /** Connections whose sessions gathered requests. */
  readonly #gathering: Connection[] = [];
  /** Tickets whose requests the server has not seen. */
  readonly #again: number[] = [];
  readonly #tally = new Tally();

  /** By ticket. */
  readonly #state: Uint8Array;
  /** By ticket: when its request fell due; while it is free, since when it is. */
  readonly #sinceUs: Float64Array;
  #underWay = 0;
  #countedUnderWay = 0;

  /** When the events at hand were there: the clock after the last wait. */
  #nowUs = 0;
  #startUs = 0;
  #windowStartUs = Infinity;
  #windowEndUs = Infinity;
  #nextDueUs = Infinity;
  #inWindow = false;
  /** Until every connection has asked once. */
  #priming = true;
  /** Why the first request of a connection had no answer. */
  #primeFault: string | undefined;

  constructor(plan: LoadPlan, client: Client) {
    this.#plan = plan;
    const shared: Dialling = {
      address: socketAddress(plan.to),
      poller: this.#poller,
      client,
      outcomes: this,
      input: allocateNative(INPUT_BYTES),
    };
    const count = plan.connections + plan.idleConnections;
    this.#connections = Array.from({ length: count }, (_, i) => new Connection(shared, i));
    this.#ticketsEach = client.requestsAtOnce;
    this.#tickets = plan.connections * client.requestsAtOnce;
    this.#free = new FreeTickets(this.#tickets);
    this.#state = new Uint8Array(count * client.requestsAtOnce);
    this.#sinceUs = new Float64Array(count * client.requestsAtOnce);
    this.#picker = new ShapePicker(plan.requests, plan.seed);
    // Another seed, or the choice of shapes would follow the gaps.
    this.#schedule = createSchedule(plan.arrival, plan.seed + 1);
  }

  run(): Omit<LoadResult, 'realTime'> {
    const { arrival, idleConnections, warmupMs, durationMs, watch } = this.#plan;
    // A process that is gone is better known now than after the warm-up.
    readClocks(watch);
    this.#prime();
    this.#startUs = clockUs();
    this.#windowStartUs = this.#startUs + warmupMs * 1e3;
    this.#windowEndUs = this.#windowStartUs + durationMs * 1e3;
    this.#fallDue();
    this.#loadUntil(this.#windowStartUs);
    const wallStartUs = clockUs();
    const receivedBefore = this.#received();
    const before = readClocks(watch);
    this.#inWindow = true;
    this.#loadUntil(this.#windowEndUs);
    this.#inWindow = false;
    const after = readClocks(watch);
    const wallUs = clockUs() - wallStartUs;
    const bytesReceived = this.#received() - receivedBefore;
    this.#drain();
    const idle = this.#connections.slice(this.#connections.length - idleConnections);
    this.#tally.count('idle closed', idle.filter(({ open }) => !open).length);
    this.#tally.count('unanswered', this.#countedUnderWay);
    this.#tally.count('never sent', this.#tally.due - this.#tally.sent);
    return {
      ...this.#tally.summarize(arrival),
      wallUs,
      bytesReceived,
      ...spentBetween(before, after),
    };
  }

  answered(ticket: number): void {
    if (this.#inWindow) this.#tally.completed++;
    if (this.#state[ticket] === COUNTED) {
      this.#tally.recordAnswer(this.#nowUs - (this.#sinceUs[ticket] ?? 0));
    }
    this.#release(ticket, 0);
  }

  failed(ticket: number, reason: string): void {
    const whole = reason.startsWith('status ') || reason.startsWith('grpc-status ');
    // A server that answers with errors can be measured; one that does not answer cannot.
    if (!whole) this.#primeFault ??= reason;
    if (this.#state[ticket] === COUNTED) this.#tally.count(reason);
    this.#release(ticket, reason.startsWith('dial ') ? REST_US : 0);
  }

  unprocessed(ticket: number): void {
    this.#again.push(ticket);
  }

  strayed(reason: string): void {
    if (this.#inWindow) this.#tally.count(reason);
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close('closed');
    this.#poller[Symbol.dispose]();
  }

  /** Every connection asks once, so that all are there and the server is known to answer. */
  #prime(): void {
    const { to, connectionPerRequest } = this.#plan;
    const untilUs = clockUs() + PRIME_MS * 1e3;
    const last = connectionPerRequest ? 1 : this.#connections.length;
    let asked = 0;
    while (asked < last || this.#underWay > 0) {
      while (asked < last && this.#underWay < PRIMED_AT_ONCE) {
        this.#send(asked++ * this.#ticketsEach, UNCOUNTED);
      }
      // A refusal may be known at once; then nothing is left to wait for.
      if (this.#primeFault === undefined) this.#wait(untilUs);
      if (this.#primeFault !== undefined) {
        throw new Error(`${to.host}:${to.port} does not answer: ${this.#primeFault}`);
      }
      if (clockUs() >= untilUs) {
        const missing = `${last - asked + this.#underWay} of ${last} connections`;
        throw new Error(`${to.host}:${to.port}: ${missing} had no answer in ${PRIME_MS} ms`);
      }
    }
    this.#priming = false;
    this.#sinceUs.fill(clockUs());
    // In turn over the connections: those that fall due together are not all on one.
    for (let first = 0; first < this.#ticketsEach; first++) {
      for (let ticket = first; ticket < this.#tickets; ticket += this.#ticketsEach) {
        this.#free.push(ticket);
      }
    }
  }

  /** Loads the server until `endUs`. */
  #loadUntil(endUs: number): void {
    for (;;) {
      const nowUs = clockUs();
      this.#admit(nowUs);
      this.#start();
      this.#flush();
      if (nowUs >= endUs) return;
      const wakeUs = this.#resting[0]?.untilUs ?? Infinity;
      this.#wait(Math.min(endUs, this.#nextDueUs, wakeUs));
    }
  }

  /** Waits for the answers to counted requests; those that queue are still sent. */
  #drain(): void {
    const untilUs = this.#windowEndUs + DRAIN_MS * 1e3;
    while (this.#countedUnderWay > 0 || this.#queue.length > 0) {
      if (clockUs() >= untilUs) return;
      if (this.#schedule !== undefined) this.#start();
      this.#wait(Math.min(untilUs, this.#resting[0]?.untilUs ?? Infinity));
    }
  }

  /** Queues what fell due until `nowUs`. */
  #admit(nowUs: number): void {
    while (this.#nextDueUs <= nowUs && this.#nextDueUs < this.#windowEndUs) {
      this.#queue.push(this.#nextDueUs, nowUs);
      if (this.#nextDueUs >= this.#windowStartUs) this.#tally.due++;
      this.#fallDue();
    }
  }

  /** Draws when the next request falls due. */
  #fallDue(): void {
    if (this.#schedule === undefined) return;
    const dueUs = this.#startUs + this.#schedule.next();
    this.#nextDueUs = dueUs < this.#windowEndUs ? dueUs : Infinity;
  }

  /** Sends what is due, as far as tickets are free. */
  #start(): void {
    if (this.#schedule === undefined) return this.#askAgain();
    while (this.#free.length > 0 && this.#queue.length > 0) {
      const ticket = this.#free.shift();
      const sentUs = clockUs();
      const { dueUs, noticedUs } = this.#queue;
      this.#queue.shift();
      const counted = dueUs >= this.#windowStartUs;
      if (counted) {
        const possibleUs = Math.max(noticedUs, this.#sinceUs[ticket] ?? 0);
        this.#tally.recordLateness(noticedUs - dueUs + sentUs - possibleUs);
      }
      this.#sinceUs[ticket] = dueUs;
      this.#send(ticket, counted ? COUNTED : UNCOUNTED);
    }
  }

  /** The closed loop: whoever is free asks. */
  #askAgain(): void {
    while (this.#free.length > 0) {
      const ticket = this.#free.shift();
      this.#sinceUs[ticket] = clockUs();
      if (this.#inWindow) this.#tally.due++;
      this.#send(ticket, this.#inWindow ? COUNTED : UNCOUNTED);
    }
  }

  #send(ticket: number, state: number): void {
    this.#state[ticket] = state;
    this.#underWay++;
    if (state === COUNTED) {
      this.#countedUnderWay++;
      this.#tally.sent++;
    }
    this.#give(ticket);
  }

  /** Gives the ticket's connection a request, which leaves with the next flush. */
  #give(ticket: number): void {
    const connection = this.#connections[Math.floor(ticket / this.#ticketsEach)];
    if (connection === undefined) throw new Error(`ticket ${ticket} has no connection`);
    const fault = connection.open ? undefined : connection.dial();
    if (fault !== undefined) this.failed(ticket, fault);
    else if (connection.send(ticket, this.#picker.next())) this.#gathering.push(connection);
  }

  /** Sends again what no server has seen, and all that sessions gathered. */
  #flush(): void {
    // Not those that are added meanwhile: a server that sees nothing must not hold us here.
    for (let left = this.#again.length; left > 0; left--) this.#give(this.#again.shift() ?? 0);
    for (const connection of this.#gathering) connection.flush();
    this.#gathering.length = 0;
  }

  /** A ticket's request ended: it is free again, after a rest. */
  #release(ticket: number, restUs: number): void {
    if (this.#state[ticket] === COUNTED) this.#countedUnderWay--;
    this.#state[ticket] = FREE;
    this.#underWay--;
    if (this.#priming) return;
    if (restUs > 0) this.#resting.push({ ticket, untilUs: this.#nowUs + restUs });
    else this.#free.push(ticket);
    this.#sinceUs[ticket] = this.#nowUs + restUs;
  }

  /** Handles what happens until `untilUs`, or the first that does. */
  #wait(untilUs: number): void {
    this.#flush();
    const count = this.#poller.wait(untilUs - clockUs());
    this.#nowUs = clockUs();
    for (let i = 0; i < count; i++) {
      this.#connections[this.#poller.token(i)]?.onReady(this.#poller.happened(i));
    }
    while ((this.#resting[0]?.untilUs ?? Infinity) <= this.#nowUs) {
      this.#free.push(this.#resting.shift()?.ticket ?? 0);
    }
  }

  #received(): number {
    return this.#connections.reduce((sum, { received }) => sum + received, 0);
  }
}
