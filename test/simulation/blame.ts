/**
 * What a failed request may be blamed on. Every fault says whom it may hurt and for how long; a
 * request that fails and was under way at no such time has met a fault of the proxy's.
 */

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly waits: boolean;
}

/** Everybody. */
export const ALL = 'all';
/** Requests of a client's pod. */
export const ofClient = (client: number): string => `client ${client}`;
/** Requests to a service. */
export const ofService = (service: number): string => `service ${service}`;

/** Times at which something was wrong, by whom it concerns. */
export class Blame {
  readonly #spans = new Map<string, Span[]>();

  /** Both ends are part of it. `waits`: who is hurt may learn it from a timeout only. */
  add(scope: string, fromMs: number, toMs: number, waits: boolean): void {
    const spans = this.#spans.get(scope) ?? [];
    spans.push({ fromMs, toMs, waits });
    this.#spans.set(scope, spans);
  }

  /** Whether anything may have hurt them; with `waiting`, what they had to wait for. */
  covers(scopes: readonly string[], fromMs: number, toMs: number, waiting = false): boolean {
    return scopes.some((scope) =>
      this.#spans
        .get(scope)
        ?.some((span) => span.fromMs <= toMs && span.toMs >= fromMs && (span.waits || !waiting)),
    );
  }

  /** Lets go of what was over before `ms`. */
  forget(ms: number): void {
    for (const [scope, spans] of this.#spans) {
      this.#spans.set(
        scope,
        spans.filter(({ toMs }) => toMs >= ms),
      );
    }
  }
}
