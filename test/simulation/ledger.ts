/**
 * Every request of a simulation from its beginning to its end, and what is wrong with it.
 *
 *   asked ─> arrived at an application (once, or again where that is allowed) ─> answered
 *     └─> answered whole ── cut ── refused by a proxy ── cancelled           each only for a reason
 */
import { ALL, type Blame, ofClient, ofService } from './blame.ts';
import { exchangeMsMax, Patience } from './patience.ts';
import { isPieceOf } from './pattern.ts';
import { type Plan, plannedMs } from './plan.ts';

/** Something that must not be has been seen. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** How a request ended for its client. */
export type Outcome = 'whole' | 'refused' | 'cut' | 'cancelled';

/** Beyond what both ends take for themselves: dials, discovery, and waiting for a stream. */
const SLACK_MS = 4_000;
/** A deadline is kept by a wheel of 100 ms at each hop. */
const DEADLINE_SLACK_MS = 1_000;
/** Two proxies may each send it once again. */
const ARRIVALS_MAX = 4;

/** A body that every proxy holds: the least that limits.replayBytesMax is here, less a read. */
const HELD_BYTES = 16_000;
/** The request that an answer nobody asked for says it is for. */
export const POISON_ID = '0';

/** What the ledger goes by. */
export interface LedgerParts {
  readonly nowMs: () => number;
  readonly blame: Blame;
  readonly trace: (what: string) => void;
}

interface AskParts extends LedgerParts {
  /** When an application of the service last had all the streams it allows; -1: never. */
  readonly crowdedMs: (service: number) => number;
}

/** Numbers of the bodies of request `id`. */
export const requestBody = (id: number): number => 2 * id;
export const responseBody = (id: number): number => 2 * id + 1;

/** One request, as its client sees it. */
export class Ask {
  readonly id: number;
  readonly plan: Plan;
  readonly client: number;
  readonly service: number;
  readonly startMs: number;
  /** It met something of its own that excuses any end but a wrong one. */
  excused = false;
  /** Its application has refused it before. */
  refusals = 0;
  arrivals = 0;
  outcome: Outcome | undefined = undefined;
  /** It was sent anew behind a connection that idled too long. */
  renewed = false;
  readonly #parts: AskParts;
  readonly #patience: Patience;
  readonly #over: (ask: Ask) => void;
  #headSeen = false;
  #own = false;
  #status = 0;
  #received = 0;
  #grpcStatus: string | undefined = undefined;

  constructor(
    parts: AskParts,
    of: Pick<Ask, 'id' | 'plan' | 'client' | 'service'>,
    over: (ask: Ask) => void,
  ) {
    this.#parts = parts;
    this.id = of.id;
    this.plan = of.plan;
    this.client = of.client;
    this.service = of.service;
    this.startMs = parts.nowMs();
    this.#patience = new Patience(this.startMs);
    this.#over = over;
  }

  get headSeen(): boolean {
    return this.#headSeen;
  }

  /** Its client has sent it on `link`. */
  sentOn(link: { readonly severed: boolean }): void {
    this.#patience.at(link, this.#parts.nowMs());
  }

  get open(): boolean {
    return this.outcome === undefined;
  }

  /** Something went wrong where it was, while it was under way. */
  get hasReason(): boolean {
    return this.excused || this.#blamed;
  }

  get #blamed(): boolean {
    return this.#isHurt(false);
  }

  /** It may have waited for a stream, or nothing but a timeout could tell what was wrong. */
  get #mayWait(): boolean {
    const crowded = this.#parts.crowdedMs(this.service) >= this.startMs;
    return crowded || this.plan.mishap === 'silent' || this.#isHurt(true);
  }

  #isHurt(waiting: boolean): boolean {
    const scopes = [ALL, ofClient(this.client), ofService(this.service)];
    const { blame, nowMs } = this.#parts;
    return blame.covers(scopes, this.startMs, nowMs(), waiting);
  }

  /** An application has it, and will act on it. */
  arrived(where: string): void {
    this.#parts.trace(`ask ${this.id} arrives at ${where}`);
    this.arrivals++;
    if (this.arrivals === 1) return;
    if (this.plan.method === 'POST') this.wrong(`arrives again, though it is a POST`);
    if (this.arrivals > ARRIVALS_MAX) this.wrong(`arrives ${this.arrivals} times`);
    if (!this.hasReason) this.wrong('arrives again, and nothing had gone wrong');
  }

  /** An application has not processed it, and says so: it may be sent again where it is held. */
  refused(): void {
    if (this.plan.requestBytes > HELD_BYTES) this.excused = true;
  }

  // ---- the answer, at the client ----

  head(status: number, fields: ReadonlyMap<string, string>): void {
    if (!this.open) return;
    if (this.#headSeen) this.wrong('gets a second answer');
    this.#headSeen = true;
    this.#status = status;
    const id = fields.get('x-id');
    this.#own = id !== undefined;
    // Poison that met the request on its way is nobody's fault but its sender's.
    const poisoned = id === POISON_ID && this.#blamed;
    if (poisoned) this.#own = false;
    if (this.#own && id !== `${this.id}`) this.wrong(`gets the answer to ${id}`);
    if (this.#own && this.arrivals === 0) this.wrong('is answered, and has never arrived');
    this.#grpcStatus = fields.get('grpc-status');
    if (!this.#own && !poisoned && status < 400 && this.#grpcStatus === undefined) {
      this.wrong(`gets ${status}, of whom?`);
    }
  }

  data(bytes: Buffer): void {
    if (!this.open) return;
    if (this.#own && !isPieceOf(responseBody(this.id), this.#received, bytes)) {
      this.wrong(`gets wrong bytes behind ${this.#received}`);
    }
    this.#received += bytes.length;
  }

  /** The answer is whole, or looks so. */
  end(trailers?: ReadonlyMap<string, string>): void {
    if (!this.open) return;
    this.#grpcStatus = trailers?.get('grpc-status') ?? this.#grpcStatus;
    if (!this.#own) return this.#failed('refused');
    const { plan } = this;
    if (plan.grpc && this.#grpcStatus !== '0') return this.#failed('refused');
    if (this.#received !== plan.responseBytes) {
      this.wrong(`has ${this.#received} bytes of ${plan.responseBytes} and looks whole`);
    }
    const tookMs = this.#parts.nowMs() - this.startMs;
    if (tookMs > plannedMs(plan) + SLACK_MS && !this.hasReason && !this.#mayWait) {
      this.wrong(`took ${tookMs} ms, planned were ${plannedMs(plan)}`);
    }
    this.#end('whole');
  }

  /** The connection or the stream ended before the answer. */
  cut(): void {
    if (this.open) this.#failed('cut');
  }

  /** The client has given up. */
  cancel(): void {
    if (this.open) this.#end('cancelled');
  }

  #failed(outcome: Outcome): void {
    if (!this.hasReason) {
      const said = this.#headSeen ? ` ${this.#status}` : '';
      this.wrong(`is ${outcome}${said}, and nothing had gone wrong`);
    }
    this.#end(outcome);
  }

  #end(outcome: Outcome): void {
    this.outcome = outcome;
    const { clientStallMs, grpcTimeoutMs } = this.plan;
    const tookMs = this.#parts.nowMs() - this.startMs;
    const usualMs = Math.max(1, this.arrivals) * plannedMs(this.plan) + SLACK_MS;
    if (tookMs > usualMs && !this.#mayWait) this.wrong(`ended after ${tookMs} ms only`);
    const late = grpcTimeoutMs !== undefined && tookMs > grpcTimeoutMs + DEADLINE_SLACK_MS;
    if (late && clientStallMs === 0 && !this.#blamed)
      this.wrong(`outlived its deadline: ${tookMs}`);
    const said = outcome === 'refused' ? ` ${this.#status} ${this.#grpcStatus ?? ''}` : '';
    this.#parts.trace(`ask ${this.id} is ${outcome}${said}`);
    this.#over(this);
  }

  /** Fails the simulation. */
  wrong(what: string): never {
    throw new Violation(`ask ${this.id} ${what}: ${JSON.stringify(this.plan)}`);
  }

  /** Whether it should have ended long ago; to be asked once a minute. */
  hangs(): boolean {
    const waitedMs = this.#patience.waitedMs(this.#parts.nowMs());
    return waitedMs > plannedMs(this.plan) + exchangeMsMax();
  }
}

/** All requests. */
export class Ledger {
  readonly outcomes: Record<Outcome, number> = { whole: 0, refused: 0, cut: 0, cancelled: 0 };
  readonly open = new Set<Ask>();
  readonly #parts: AskParts;
  readonly #crowdedMs = new Map<number, number>();
  #known = new Map<number, Ask>();
  #nextId = 1;

  constructor(parts: LedgerParts) {
    this.#parts = { ...parts, crowdedMs: (service) => this.#crowdedMs.get(service) ?? -1 };
  }

  /** An application of the service has, or had until now, all the streams that it allows. */
  crowded(service: number): void {
    this.#crowdedMs.set(service, this.#parts.nowMs());
  }

  begin(client: number, service: number, plan: Plan): Ask {
    const id = this.#nextId++;
    const ask = new Ask(this.#parts, { id, client, service, plan }, (over) => {
      this.open.delete(over);
      this.outcomes[over.outcome ?? 'cut']++;
    });
    const { grpcTimeoutMs = Number.POSITIVE_INFINITY, mishap } = plan;
    // These ends are the application's doing, or the caller's.
    ask.excused =
      mishap === 'silent' ||
      mishap === 'reset' ||
      mishap === 'end' ||
      // A longer body is not held to be sent again.
      ((mishap === 'refuse' || mishap === 'goaway') && plan.requestBytes > HELD_BYTES) ||
      grpcTimeoutMs < plannedMs(plan) + SLACK_MS;
    this.open.add(ask);
    this.#known.set(id, ask);
    return ask;
  }

  /** The request of that number, which came to an application. */
  find(id: string | undefined): Ask {
    const ask = this.#known.get(Number(id));
    if (ask === undefined) throw new Violation(`a request arrives that nobody asked: ${id}`);
    return ask;
  }

  /** Fails when a request hangs. */
  check(): void {
    for (const ask of this.open) if (ask.hangs()) ask.wrong('hangs');
  }

  /** None of those so far will arrive any more. */
  forget(): void {
    this.#known = new Map([...this.open].map((ask) => [ask.id, ask]));
  }
}
