/**
 * Route names learned from traffic: "METHOD /path" with variable segments templated, and gRPC
 * methods as they are. Names are learned only from answers that prove the route exists, and at
 * most limits.learnedRoutesMax a destination.
 */
import { limits } from '../limits.ts';

/** What requests are counted under when their name was not learned. */
export const OTHER_ROUTE = '[other]';

const SEGMENT_MAX = 40;
/** Longer targets are templated anew each time: what is remembered must stay small. */
const REMEMBERED_CHARS_MAX = 256;
const VARIABLE = [
  /^\d+$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^(?=.*\d)[0-9a-f]{8,}$/i,
  // A word with digits in it that is longer than a version ("v1", "oauth2"): a key or a slug.
  /^(?=.*\d)[\w.~-]{9,}$/,
  /[%@=:,;+!$&'()*]/,
] as const;

/** "/users/17/cart?x=1" -> "/users/{id}/cart". */
export function templatePath(path: string): string {
  const query = path.indexOf('?');
  const segments = (query === -1 ? path : path.slice(0, query)).split('/');
  return segments.map((segment) => (isVariable(segment) ? '{id}' : segment)).join('/');
}

const isVariable = (segment: string): boolean =>
  segment.length > SEGMENT_MAX || VARIABLE.some((pattern) => pattern.test(segment));

/** "/package.Service/Method" (gRPC over HTTP2, "Requests"). */
const GRPC_METHOD = /^\/[^/?]+\/[^/?]+$/;

const httpName = (method: string, path: string): string => `${method} ${templatePath(path)}`;

/** Longer names are nobody's route. */
const NAME_CHARS_MAX = 256;

/** The names one destination has taught this thread. */
export class LearnedRoutes {
  readonly #names = new Set<string>();
  /** Raw "METHOD target" -> name, so that templating is not done again for each request. */
  readonly #remembered = new Map<string, string>();

  // HOT: per exchange. The name a request would be counted under.
  nameOf(method: string, path: string, grpc: boolean): string {
    if (grpc && GRPC_METHOD.test(path)) return path;
    if (method.length + path.length > REMEMBERED_CHARS_MAX) return httpName(method, path);
    const raw = `${method} ${path}`;
    let name = this.#remembered.get(raw);
    if (name === undefined) {
      name = httpName(method, path);
      if (this.#remembered.size >= limits.rememberedTargetsMax) this.#remembered.clear();
      this.#remembered.set(raw, name);
    }
    return name;
  }

  /** The name to count under; `teaches`: the answer proves that the route exists. */
  settle(name: string, teaches: boolean): string {
    if (this.#names.has(name)) return name;
    const full = this.#names.size >= limits.learnedRoutesMax || name.length > NAME_CHARS_MAX;
    if (!teaches || full) return OTHER_ROUTE;
    this.#names.add(name);
    return name;
  }
}
