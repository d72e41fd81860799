/** What days of a simulation must meet, some of them at least, or they have become too kind. */

/** Failures that proxies tell of, by what they say. */
const KINDS: readonly (readonly [what: string, says: RegExp])[] = [
  ['a dial that was refused', /ECONNREFUSED/],
  ['a dial that nobody answered', /accepted no connection/],
  ['a server that never answered', /without a byte/],
  ['a client that never went on', /^Nothing moved/],
  ['a peer that answered no PING', /answered no PING/],
  ['a server that goes away', /going away/],
  ['a stream that was reset', /reset the request/],
  ['an answer that was cut', /middle of its response/],
  ['a connection that ended before its answer', /before it answered/],
  ['a head that was never whole', /not complete|No whole frame/],
  ['a deadline', /grpc-timeout/],
  ['a silent controller', /controller has not answered/],
  ['a service without endpoints', /has 0 of/],
];

/** Counts them. */
export class Met {
  readonly #counts = new Map<string, number>(KINDS.map(([what]) => [what, 0]));

  /** A proxy has said `sentence`. */
  failure(sentence: string): void {
    for (const [what, says] of KINDS) {
      if (says.test(sentence)) this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    }
  }

  /** What another day has met, too. */
  add(other: Met): void {
    for (const [what, count] of other.#counts) {
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
    }
  }

  /** What never happened. */
  get missing(): string[] {
    return [...this.#counts].filter(([, count]) => count === 0).map(([what]) => what);
  }
}
