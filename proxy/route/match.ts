/** Matching of declared routes: Gateway API HTTPRouteMatch, compiled. */
import type { RouteMatch, RouteRule, ValueMatch } from '../model/destination.ts';
import type { Head } from '../model/head.ts';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly head: Head;
}

type Test = (request: Request) => boolean;

/** A rule ready to be asked. */
export interface CompiledRule {
  readonly name: string;
  readonly matches: Test;
}

/** Throws when a regular expression does not compile: the resource is refused (nack). */
export function compileRules(rules: readonly RouteRule[]): readonly CompiledRule[] {
  return rules.map((rule) => {
    const tests = rule.matches.map(compileMatch);
    return {
      name: rule.name,
      matches: (request) => tests.length === 0 || tests.some((test) => test(request)),
    };
  });
}

/** The first rule that matches; its name may be empty. `target` is the path with its query. */
export function findRule(
  rules: readonly CompiledRule[],
  head: Head,
  target: string,
): CompiledRule | undefined {
  const query = target.indexOf('?');
  const request: Request = {
    method: head.method(),
    path: query === -1 ? target : target.slice(0, query),
    query: query === -1 ? '' : target.slice(query + 1),
    head,
  };
  return rules.find((rule) => rule.matches(request));
}

function compileMatch(match: RouteMatch): Test {
  const tests: Test[] = [];
  const { method, path } = match;
  if (method !== undefined) tests.push((request) => request.method === method);
  if (path !== undefined) tests.push(compilePath(path.kind, path.value));
  for (const header of firstOfEach(match.headers, (name) => name.toLowerCase())) {
    const test = compileValue(header);
    tests.push(({ head }) => test(fieldValue(head, header.name.toLowerCase())));
  }
  for (const parameter of firstOfEach(match.queryParams, (name) => name)) {
    const test = compileValue(parameter);
    tests.push(({ query }) => test(new URLSearchParams(query).get(parameter.name) ?? undefined));
  }
  return (request) => tests.every((test) => test(request));
}

/** Of entries with equivalent names only the first counts (Gateway API, HTTPRouteMatch). */
const firstOfEach = (
  matches: readonly ValueMatch[],
  nameOf: (name: string) => string,
): readonly ValueMatch[] =>
  matches.filter(
    ({ name }, i) => matches.findIndex((other) => nameOf(other.name) === nameOf(name)) === i,
  );

function compilePath(kind: 'exact' | 'prefix' | 'regex', value: string): Test {
  if (kind === 'exact') return ({ path }) => path === value;
  if (kind === 'regex') {
    const pattern = compileWhole(value);
    return ({ path }) => pattern.test(path);
  }
  // A prefix matches whole segments: "/a" matches "/a" and "/a/b", not "/ab".
  const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
  return ({ path }) => path === prefix || path.startsWith(`${prefix}/`);
}

function compileValue(match: ValueMatch): (value: string | undefined) => boolean {
  if (!match.regex) return (value) => value === match.value;
  const pattern = compileWhole(match.value);
  return (value) => value !== undefined && pattern.test(value);
}

/** Unicode, as the controller checks it. */
const compileWhole = (value: string): RegExp => new RegExp(`^(?:${value})$`, 'u');

/** Lines of one name are one value, joined (RFC 9110 5.3). */
function fieldValue(head: Head, name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.name(i).toLowerCase() !== name) continue;
    value = value === undefined ? head.value(i) : `${value}, ${head.value(i)}`;
  }
  return value;
}
