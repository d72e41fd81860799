/** HTTPRoute (gateway.networking.k8s.io/v1): what naming routes needs, matches and rule names. */
import { PathMatchType } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { PathMatch, RouteMatch, ValueMatch } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Fields } from './fields.ts';
import { DNS_LABEL, SUBDOMAIN, show } from './fields.ts';
import type { Place } from './pod.ts';
import type { HttpRoute, HttpRouteRule, RouteParent } from './resource.ts';

const METHODS = {
  pattern: /^(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH)$/,
  words: 'an HTTP method in capitals',
};
const TOKEN = { pattern: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/, words: 'a header name' };
const VALUE_TYPES = { pattern: /^(Exact|RegularExpression)$/, words: 'Exact or RegularExpression' };

/** Reads an HTTPRoute; what is wrong is noted in the fields. */
export function readHttpRoute(place: Place, top: Fields): HttpRoute {
  const spec = top.object('spec');
  const created = top.object('metadata').text('creationTimestamp');
  const createdAtMs = created === undefined ? Number.NaN : Date.parse(created);
  return {
    kind: 'HTTPRoute',
    ...place,
    createdAtMs: Number.isNaN(createdAtMs) ? Number.POSITIVE_INFINITY : createdAtMs,
    parents: spec.objects('parentRefs').flatMap((parent) => readParent(place, parent)),
    rules: spec.objects('rules').map(readRule),
  };
}

function readParent(place: Place, fields: Fields): RouteParent[] {
  const group = fields.text('group') ?? 'gateway.networking.k8s.io';
  const kind = fields.text('kind') ?? 'Gateway';
  const service = fields.requiredText('name', SUBDOMAIN);
  const namespace = fields.text('namespace', DNS_LABEL) ?? place.namespace;
  const port = fields.integer('port', 1, 65_535);
  const attached = kind === 'Service' && (group === '' || group === 'core');
  return attached && service !== undefined ? [{ namespace, service, port }] : [];
}

function readRule(fields: Fields): HttpRouteRule {
  return {
    name: fields.text('name', SUBDOMAIN) ?? '',
    matches: fields.objects('matches').map(readMatch),
  };
}

function readMatch(fields: Fields): RouteMatch {
  return {
    method: fields.text('method', METHODS) ?? '',
    path: fields.value('path') === undefined ? undefined : readPath(fields.object('path')),
    headers: fields.objects('headers').map((header) => readValue(header, true)),
    queryParams: fields.objects('queryParams').map((param) => readValue(param, false)),
  };
}

function readPath(fields: Fields): PathMatch {
  const type = readPathType(fields);
  const value = fields.text('value') ?? '/';
  if (type === PathMatchType.PATH_MATCH_TYPE_REGULAR_EXPRESSION) checkExpression(fields, value);
  else if (!value.startsWith('/')) {
    fields.refuse('value', `must be a path that begins with "/", is ${show(value)}`);
  }
  return { type, value };
}

function readPathType(fields: Fields): PathMatchType {
  const type = fields.text('type', {
    pattern: /^(Exact|PathPrefix|RegularExpression)$/,
    words: 'Exact, PathPrefix or RegularExpression',
  });
  if (type === 'Exact') return PathMatchType.PATH_MATCH_TYPE_EXACT;
  if (type === 'RegularExpression') return PathMatchType.PATH_MATCH_TYPE_REGULAR_EXPRESSION;
  return PathMatchType.PATH_MATCH_TYPE_PATH_PREFIX;
}

/** Header names are case-insensitive and leave here in lower case; query names are not. */
function readValue(fields: Fields, header: boolean): ValueMatch {
  const name = fields.requiredText('name', header ? TOKEN : undefined) ?? '';
  const value = fields.requiredText('value') ?? '';
  const regularExpression = fields.text('type', VALUE_TYPES) === 'RegularExpression';
  if (regularExpression) checkExpression(fields, value);
  return { name: header ? name.toLowerCase() : name, value, regularExpression };
}

/**
 * A proxy would refuse the whole destination for an expression that does not compile. It compiles
 * with the same flag and "^(?:" … ")$" around it, where "a)|(b" alone would be valid and not whole.
 */
function checkExpression(fields: Fields, value: string): void {
  try {
    RegExp(value, 'u');
  } catch {
    fields.refuse('value', `must be a regular expression, is ${show(value)}`);
  }
}
