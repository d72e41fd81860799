/**
 * The route rules of a Service port, in Gateway API order of precedence. A rule with several
 * matches has a place for each: they are emitted as rules of one match that share the name.
 *
 * Source: Gateway API, HTTPRouteRule.matches (order) and GEP-1426 (routes of a mesh: those of the
 * client's namespace, "consumer" routes, go before the service's own; host names do not count).
 */
import { PathMatchType } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { RouteMatch, RouteRule } from '../../api/gen/culvert/proxy/v1/control.ts';
import { resourceKey } from '../resources/resource.ts';
import type { HttpRoute, Service } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';

interface PlacedRule {
  readonly rule: RouteRule;
  /** Greater goes first, compared part by part. */
  readonly rank: readonly number[];
}

/** `namespace` is that of the proxy that asks. */
export function routesOf(
  mesh: Mesh,
  service: Service,
  port: number,
  namespace: string,
): RouteRule[] {
  const key = resourceKey(service.namespace, service.name);
  const attached = (mesh.routesOfService.get(key) ?? []).filter((route) =>
    isAttached(route, service, port),
  );
  const consumer = attached.filter((route) => route.namespace === namespace);
  const producer = attached.filter((route) => route.namespace === service.namespace);
  const routes = consumer.length > 0 ? consumer : producer;
  return routes
    .toSorted(olderFirst)
    .flatMap((route) => route.rules.flatMap(placeRule))
    .toSorted((a, b) => compareRanks(b.rank, a.rank))
    .map(({ rule }) => rule);
}

const isAttached = (route: HttpRoute, service: Service, port: number): boolean =>
  route.parents.some(
    (parent) =>
      parent.namespace === service.namespace &&
      parent.service === service.name &&
      (parent.port === undefined || parent.port === port),
  );

/** Ties go to the older route, then to the first by "namespace/name". */
function olderFirst(a: HttpRoute, b: HttpRoute): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs < b.createdAtMs ? -1 : 1;
  return resourceKey(a.namespace, a.name) < resourceKey(b.namespace, b.name) ? -1 : 1;
}

function placeRule({ name, matches }: HttpRoute['rules'][number]): PlacedRule[] {
  if (matches.length === 0) {
    // A rule without matches stands for the path prefix "/".
    return [{ rule: { name, matches: [], hostnames: [] }, rank: [0, 1, 0, 0, 0] }];
  }
  return matches.map((match) => ({
    rule: { name, matches: [match], hostnames: [] },
    rank: rankOf(match),
  }));
}

/** Exact path, regular expression, longest prefix, method, most headers, most query parameters. */
function rankOf(match: RouteMatch): readonly number[] {
  const { path } = match;
  const kind =
    path?.type === PathMatchType.PATH_MATCH_TYPE_EXACT
      ? 2
      : path?.type === PathMatchType.PATH_MATCH_TYPE_REGULAR_EXPRESSION
        ? 1
        : 0;
  // The length of an expression says nothing about how much it matches.
  const length = kind === 1 ? 0 : (path?.value.length ?? 1);
  return [
    kind,
    length,
    match.method === '' ? 0 : 1,
    match.headers.length,
    match.queryParams.length,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
