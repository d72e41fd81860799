/** Names a destination's routes: declared by HTTPRoute rules first, else learned. */
import { isGrpc } from '../codec/grpc/content-type.ts';
import { missingPath } from '../codec/http1/request-target.ts';
import { type Head, TUNNEL_CONNECT } from '../model/head.ts';
import type { RouteNames, RouteRule } from '../model/destination.ts';
import { ByteMemo } from './byte-memo.ts';
import { LearnedRoutes } from './learn.ts';
import { compileRules, findRule, type CompiledRule } from './match.ts';

/**
 * Compiles the rules of one destination's version. `learned` outlives versions, so that a new one
 * forgets no name. Throws when a rule does not compile.
 */
export function compileRouteNames(rules: readonly RouteRule[], learned: LearnedRoutes): RouteNames {
  return new DestinationRouteNames(compileRules(rules), learned);
}

/** For inbound exchanges: their routes are the callers' business. */
export const NO_ROUTES: RouteNames = { nameOf: () => '', settle: () => '' };

const RECENT_SLOTS = 256;
/** Methods are few, and their names are whole. */
const RECENT_SLOTS_GRPC = 64;
const RECENT_BYTES_MAX = 256;

class DestinationRouteNames implements RouteNames {
  readonly #rules: readonly CompiledRule[];
  readonly #declared: ReadonlySet<string>;
  readonly #learned: LearnedRoutes;
  /** Names of requests by their "METHOD target", where nothing else decides but what they are. */
  readonly #recent = new ByteMemo<string>(RECENT_SLOTS, RECENT_BYTES_MAX);
  readonly #recentGrpc = new ByteMemo<string>(RECENT_SLOTS_GRPC, RECENT_BYTES_MAX);

  constructor(rules: readonly CompiledRule[], learned: LearnedRoutes) {
    this.#rules = rules;
    this.#declared = new Set(rules.map(({ name }) => name).filter((name) => name !== ''));
    this.#learned = learned;
  }

  // HOT: per exchange.
  nameOf(head: Head): string {
    const grpc = isGrpc(head);
    if (this.#rules.length > 0) return this.#find(head, grpc);
    const { bytes, start, targetEnd } = head;
    const memo = grpc ? this.#recentGrpc : this.#recent;
    const recent = memo.get(bytes, start, start + targetEnd);
    if (recent !== undefined) return recent;
    const name = this.#find(head, grpc);
    memo.set(bytes, start, start + targetEnd, name);
    return name;
  }

  #find(head: Head, grpc: boolean): string {
    // As it goes upstream: "http://web" asks for "/".
    const path = missingPath(head) + head.path();
    if (this.#rules.length > 0) {
      const name = findRule(this.#rules, head, path)?.name ?? '';
      if (name !== '') return name;
    }
    // What it asks for is the destination itself.
    if (head.tunnel === TUNNEL_CONNECT) return head.method();
    return this.#learned.nameOf(head.method(), path, grpc);
  }

  settle(name: string, teaches: boolean): string {
    return this.#declared.has(name) ? name : this.#learned.settle(name, teaches);
  }
}
