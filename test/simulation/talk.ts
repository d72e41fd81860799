/**
 * A conversation of TCP between a client and an application, neither of which speaks HTTP.
 *
 *   client ─ number, its bytes, FIN ─> application
 *   client <─ (greeting, where servers speak first) its bytes, FIN ─ application
 *
 * Who ends first, and when, is in the plan; what arrived is whole, or the connection was reset.
 */
import type { Random } from '../support/random.ts';
import { ALL, ofClient, ofService } from './blame.ts';
import { type LedgerParts, Violation } from './ledger.ts';
import { Patience, talkMsMax } from './patience.ts';
import { isPieceOf } from './pattern.ts';
import type { Peer, PeerEvents } from './peer.ts';
import { type After, inPieces } from './serving.ts';

/** What servers that speak first say. */
const GREETING = Buffer.from('220 ready\r\n', 'latin1');
/** No HTTP begins so. */
const MARK = 0x01;
const NUMBER_BYTES = 10;
const SLACK_MS = 6_000;
/** More than any buffer holds. */
const LONG_BYTES = 400_000;

const numberBytes = (id: number): Buffer =>
  Buffer.from(`\x01${id.toString(16).padStart(8, '0')}\n`, 'latin1');

/** What a conversation is like. */
interface TalkPlan {
  readonly upBytes: number;
  readonly downBytes: number;
  readonly pieces: number;
  readonly gapMs: number;
  /** Whose FIN waits for the other's. */
  readonly waits: 'nobody' | 'client' | 'server';
  /** The client reads nothing for so long. */
  readonly stallMs: number;
  /** Who breaks off in the middle. */
  readonly breaks: 'nobody' | 'client' | 'server';
}

function randomTalk(random: Random, mishaps: boolean): TalkPlan {
  const size = (): number => {
    const kind = random.unit();
    if (kind < 0.2) return 0;
    return random.integer(1, kind < 0.7 ? 3_000 : kind < 0.98 ? 150_000 : 2_000_000);
  };
  const downBytes = size();
  return {
    upBytes: size(),
    downBytes,
    pieces: random.integer(1, 4),
    gapMs: random.chance(0.5) ? 0 : random.integer(1, 4_000),
    waits: random.pick(['nobody', 'client', 'server']),
    stallMs: random.chance(downBytes > LONG_BYTES ? 0.4 : 0.05) ? random.integer(100, 60_000) : 0,
    breaks: mishaps && random.chance(0.05) ? random.pick(['client', 'server']) : 'nobody',
  };
}

/** One conversation. */
export class Talk {
  readonly id: number;
  readonly plan: TalkPlan;
  readonly client: number;
  readonly service: number;
  readonly serverFirst: boolean;
  readonly startMs: number;
  over = false;
  readonly #parts: LedgerParts;
  readonly #patience: Patience;
  readonly #wholeAt = new Set<'client' | 'server'>();
  #serverGone = false;
  readonly #ended: (talk: Talk, outcome: 'whole' | 'cut') => void;

  constructor(
    parts: LedgerParts,
    of: Pick<Talk, 'client' | 'id' | 'plan' | 'serverFirst' | 'service'>,
    ended: (talk: Talk, outcome: 'whole' | 'cut') => void,
  ) {
    this.#parts = parts;
    this.id = of.id;
    this.plan = of.plan;
    this.client = of.client;
    this.service = of.service;
    this.serverFirst = of.serverFirst;
    this.startMs = parts.nowMs();
    this.#patience = new Patience(this.startMs);
    this.#ended = ended;
  }

  get plannedMs(): number {
    return 2 * this.plan.pieces * this.plan.gapMs + this.plan.stallMs;
  }

  get #hasReason(): boolean {
    const scopes = [ALL, ofClient(this.client), ofService(this.service)];
    const blamed = this.#parts.blame.covers(scopes, this.startMs, this.#parts.nowMs());
    return blamed || this.plan.breaks !== 'nobody';
  }

  /** All bytes and the FIN came at that end. */
  whole(end: 'client' | 'server'): void {
    this.#wholeAt.add(end);
    if (this.over) return;
    if (this.#serverGone) return this.#end('cut');
    if (this.#wholeAt.size < 2) return;
    const tookMs = this.#parts.nowMs() - this.startMs;
    if (tookMs > this.plannedMs + SLACK_MS && !this.#hasReason) this.wrong(`took ${tookMs} ms`);
    this.#end('whole');
  }

  /** The connection is gone at an end that had not everything. */
  cut(end: 'client' | 'server'): void {
    if (this.over || this.#wholeAt.has(end)) return;
    if (!this.#hasReason) this.wrong(`is cut at the ${end}, and nothing had gone wrong`);
    this.#end('cut');
  }

  /** The server's process is no more, and hears nothing: the client's end decides alone. */
  serverGone(): void {
    if (this.over || this.#wholeAt.has('server')) return;
    this.#serverGone = true;
    if (this.#wholeAt.has('client')) this.#end('cut');
  }

  #end(outcome: 'whole' | 'cut'): void {
    this.over = true;
    this.#parts.trace(`talk ${this.id} is ${outcome}`);
    this.#ended(this, outcome);
  }

  /** Fails the simulation. */
  wrong(what: string): never {
    throw new Violation(`talk ${this.id} ${what}: ${JSON.stringify(this.plan)}`);
  }

  /** One of its ends is at `link`. */
  isAt(link: { readonly severed: boolean }): void {
    this.#patience.at(link, this.#parts.nowMs());
  }

  /** Fails when it should have ended long ago; to be called once a minute. */
  check(): void {
    const waitedMs = this.#patience.waitedMs(this.#parts.nowMs());
    if (waitedMs > this.plannedMs + talkMsMax()) this.wrong('hangs');
  }
}

/** All conversations. */
export class Talks {
  readonly open = new Set<Talk>();
  readonly outcomes = { whole: 0, cut: 0 };
  readonly #parts: LedgerParts;
  #known = new Map<number, Talk>();
  #nextId = 1;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  begin(
    random: Random,
    of: Pick<Talk, 'client' | 'serverFirst' | 'service'> & { readonly mishaps: boolean },
  ): Talk {
    const id = this.#nextId++;
    const plan = randomTalk(random, of.mishaps);
    const talk = new Talk(this.#parts, { ...of, id, plan }, (over, outcome) => {
      this.open.delete(over);
      this.outcomes[outcome]++;
    });
    this.open.add(talk);
    this.#known.set(id, talk);
    return talk;
  }

  find(id: number): Talk | undefined {
    return this.#known.get(id);
  }

  check(): void {
    for (const talk of this.open) talk.check();
  }

  forget(): void {
    this.#known = new Map([...this.open].map((talk) => [talk.id, talk]));
  }
}

/** What both ends do: send their bytes, check the other's, and end as the plan says. */
class TalkEnd {
  readonly #role: 'client' | 'server';
  readonly #after: After;
  readonly #talk: Talk;
  readonly #peer: Peer;
  #received = 0;
  #sentAll = false;
  #heardAll = false;

  constructor(role: 'client' | 'server', after: After, talk: Talk, peer: Peer) {
    this.#role = role;
    this.#after = after;
    this.#talk = talk;
    this.#peer = peer;
    talk.isAt(peer.link);
  }

  send(): void {
    const { breaks, downBytes, gapMs, pieces, upBytes } = this.#talk.plan;
    const bytes = this.#role === 'client' ? upBytes : downBytes;
    const id = 2 * this.#talk.id + (this.#role === 'client' ? 0 : 1);
    const breaksOff = breaks === this.#role;
    const body = { id, bytes: breaksOff ? Math.floor(bytes / 2) : bytes, pieces, gapMs };
    const write = (piece: Buffer): boolean => {
      if (this.#peer.over) return false;
      if (piece.length > 0) this.#peer.send(piece);
      return true;
    };
    inPieces(this.#after, body, write, () => {
      if (breaksOff) return this.#peer.reset();
      this.#sentAll = true;
      this.#endWhenDue();
    });
  }

  heard(bytes: Buffer): void {
    const id = 2 * this.#talk.id + (this.#role === 'client' ? 1 : 0);
    if (!isPieceOf(id, this.#received, bytes)) {
      this.#talk.wrong(`has wrong bytes at the ${this.#role} behind ${this.#received}`);
    }
    this.#received += bytes.length;
  }

  ended(): void {
    const { downBytes, upBytes } = this.#talk.plan;
    const expected = this.#role === 'client' ? downBytes : upBytes;
    if (this.#received !== expected) {
      this.#talk.wrong(`ends at the ${this.#role} with ${this.#received} of ${expected} bytes`);
    }
    this.#heardAll = true;
    this.#endWhenDue();
    this.#talk.whole(this.#role);
  }

  closed(): void {
    this.#talk.cut(this.#role);
  }

  gone(): void {
    this.#talk.serverGone();
  }

  #endWhenDue(): void {
    const waits = this.#talk.plan.waits === this.#role;
    if (this.#sentAll && (this.#heardAll || !waits)) this.#peer.end();
  }
}

/** The client's end. */
export class ClientTalk implements PeerEvents {
  readonly #end: TalkEnd;
  readonly #peer: Peer;
  readonly #talk: Talk;
  #greeting: Buffer | undefined;

  constructor(after: After, talk: Talk, peer: Peer) {
    this.#end = new TalkEnd('client', after, talk, peer);
    this.#talk = talk;
    this.#peer = peer;
    peer.events = this;
    this.#greeting = talk.serverFirst ? Buffer.alloc(0) : undefined;
    if (!talk.serverFirst) this.#begin();
    const { stallMs } = talk.plan;
    if (stallMs === 0) return;
    after(1_000, () => peer.pause());
    after(1_000 + stallMs, () => peer.resume());
  }

  #begin(): void {
    this.#peer.send(numberBytes(this.#talk.id));
    this.#end.send();
  }

  received(bytes: Buffer): void {
    if (this.#greeting === undefined) return this.#end.heard(bytes);
    const all = Buffer.concat([this.#greeting, bytes]);
    this.#greeting = all;
    if (all.length < GREETING.length) return;
    if (!all.subarray(0, GREETING.length).equals(GREETING)) this.#talk.wrong('is greeted wrongly');
    this.#greeting = undefined;
    this.#begin();
    if (all.length > GREETING.length) this.#end.heard(all.subarray(GREETING.length));
  }

  ended(): void {
    if (this.#greeting === undefined) return this.#end.ended();
    // Whoever has not been greeted was let go of, as one that idles.
    this.#peer.close();
    this.#end.closed();
  }

  closed(): void {
    this.#end.closed();
  }
}

/** The application's end: it learns from the first bytes which conversation it is. */
export class ServerTalk implements PeerEvents {
  /** It knows which one it is. */
  used = false;
  readonly #after: After;
  readonly #talks: Talks;
  readonly #peer: Peer;
  readonly #closed: () => void;
  #end: TalkEnd | undefined = undefined;
  #first: Buffer = Buffer.alloc(0);

  constructor(
    parts: { readonly after: After; readonly talks: Talks; readonly closed: () => void },
    peer: Peer,
    serverFirst: boolean,
  ) {
    this.#after = parts.after;
    this.#talks = parts.talks;
    this.#closed = parts.closed;
    this.#peer = peer;
    peer.events = this;
    if (serverFirst) peer.send(GREETING);
  }

  received(bytes: Buffer): void {
    if (this.#end !== undefined) return this.#end.heard(bytes);
    const all = Buffer.concat([this.#first, bytes]);
    this.#first = all;
    // A stranger's.
    if (all[0] !== MARK) return this.#peer.reset();
    if (all.length < NUMBER_BYTES) return;
    this.used = true;
    const talk = this.#talks.find(Number.parseInt(all.toString('latin1', 1, 9), 16));
    if (talk === undefined) throw new Violation('a conversation that nobody began');
    this.#end = new TalkEnd('server', this.#after, talk, this.#peer);
    this.#end.send();
    if (all.length > NUMBER_BYTES) this.#end.heard(all.subarray(NUMBER_BYTES));
  }

  ended(): void {
    if (this.#end === undefined) this.#peer.close();
    else this.#end.ended();
  }

  closed(): void {
    this.#end?.closed();
    this.#closed();
  }

  /** Its process is no more. */
  gone(): void {
    this.#end?.gone();
  }
}
