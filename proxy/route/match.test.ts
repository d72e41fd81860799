import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestOf } from '../../test/support/request-of.ts';
import type { RouteMatch, ValueMatch } from '../model/destination.ts';
import { compileRules, findRule } from './match.ts';

const any: RouteMatch = { method: undefined, path: undefined, headers: [], queryParams: [] };
const path = (kind: 'exact' | 'prefix' | 'regex', value: string): RouteMatch => ({
  ...any,
  path: { kind, value },
});
const value = (name: string, text: string, regex = false): ValueMatch => ({
  name,
  value: text,
  regex,
});

/** Whether one rule with these matches takes the request. */
function matches(
  rule: RouteMatch | readonly RouteMatch[],
  startLine: string,
  ...fields: readonly string[]
): boolean {
  const rules = compileRules([{ name: 'r', matches: [rule].flat() }]);
  const head = requestOf(startLine, ...fields);
  return findRule(rules, head, head.path()) !== undefined;
}

const PATHS: readonly (readonly [RouteMatch, path: string, matches: boolean])[] = [
  [path('exact', '/a'), '/a', true],
  [path('exact', '/a'), '/a?x=1', true],
  [path('exact', '/a'), '/a/', false],
  [path('exact', '/a'), '/A', false],
  [path('prefix', '/a'), '/a', true],
  [path('prefix', '/a'), '/a/', true],
  [path('prefix', '/a'), '/a/b', true],
  [path('prefix', '/a'), '/a?x', true],
  [path('prefix', '/a'), '/ab', false],
  [path('prefix', '/a/'), '/a', true],
  [path('prefix', '/a/'), '/a/b', true],
  [path('prefix', '/a/'), '/ab', false],
  [path('prefix', '/'), '/', true],
  [path('prefix', '/'), '/anything/at/all', true],
  [path('regex', '/a/[0-9]+'), '/a/17', true],
  [path('regex', '/a/[0-9]+'), '/a/17/b', false],
  [path('regex', '/a/[0-9]+'), '/x/a/17', false],
  [path('regex', '/a|/b'), '/b', true],
  [path('regex', '/a|/b'), '/b/c', false],
  [path('regex', '/\\p{Lu}+'), '/AB', true],
];

for (const [match, target, expected] of PATHS) {
  const { kind = '', value: text = '' } = match.path ?? {};
  test(`a ${kind} path match of ${text} ${expected ? 'takes' : 'leaves'} ${target}`, () => {
    assert.equal(matches(match, `GET ${target}`), expected);
  });
}

test('a rule without matches takes every request, one with several takes any of them', () => {
  assert.equal(matches([], 'GET /'), true);
  const either = [path('exact', '/a'), { ...any, method: 'PUT' }];
  assert.equal(matches(either, 'GET /a'), true);
  assert.equal(matches(either, 'PUT /b'), true);
  assert.equal(matches(either, 'GET /b'), false);
});

test('a match takes a request only when all its parts do', () => {
  const all: RouteMatch = {
    method: 'GET',
    path: { kind: 'prefix', value: '/a' },
    headers: [value('x-a', '1'), value('x-b', '2')],
    queryParams: [value('q', 'x')],
  };
  assert.equal(matches(all, 'GET /a?q=x', 'X-A: 1', 'x-b: 2'), true);
  assert.equal(matches(all, 'POST /a?q=x', 'X-A: 1', 'x-b: 2'), false);
  assert.equal(matches(all, 'GET /b?q=x', 'X-A: 1', 'x-b: 2'), false);
  assert.equal(matches(all, 'GET /a?q=x', 'X-A: 1'), false);
  assert.equal(matches(all, 'GET /a?q=y', 'X-A: 1', 'x-b: 2'), false);
  assert.equal(matches({ ...any, method: 'get' }, 'GET /'), false, 'methods keep their case');
});

test('a header match ignores the case of the name, joins lines, and needs the whole value', () => {
  const match = { ...any, headers: [value('X-Ab', 'one, two')] };
  assert.equal(matches(match, 'GET /', 'x-aB: one, two'), true);
  assert.equal(matches(match, 'GET /', 'x-ab: one', 'X-AB: two'), true);
  assert.equal(matches(match, 'GET /', 'x-ab: one'), false);
  assert.equal(matches(match, 'GET /'), false);
  const pattern = { ...any, headers: [value('x-ab', 'on.', true)] };
  assert.equal(matches(pattern, 'GET /', 'x-ab: one'), true);
  assert.equal(matches(pattern, 'GET /', 'x-ab: ones'), false);
  assert.equal(matches(pattern, 'GET /'), false);
  assert.equal(
    matches({ ...any, headers: [value('x', '.*', true)] }, 'GET /'),
    false,
    'a pattern that takes the empty text does not take an absent field',
  );
});

test('a query match decodes, keeps the case of names, and takes the first of a name', () => {
  const match = { ...any, queryParams: [value('q', 'a b')] };
  for (const target of ['/?q=a+b', '/?q=a%20b&q=c', '/?x=1&q=a%20b']) {
    assert.equal(matches(match, `GET ${target}`), true, target);
  }
  for (const target of ['/', '/?', '/?Q=a+b', '/?q=c&q=a+b', '/?q=a+bc', '/?q']) {
    assert.equal(matches(match, `GET ${target}`), false, target);
  }
  const pattern = { ...any, queryParams: [value('q', '[0-9]*', true)] };
  assert.equal(matches(pattern, 'GET /?q=17'), true);
  assert.equal(matches(pattern, 'GET /?q='), true);
  assert.equal(matches(pattern, 'GET /?q=x'), false);
  assert.equal(matches(pattern, 'GET /'), false);
});

test('of header or query entries with equivalent names only the first counts', () => {
  const headers = { ...any, headers: [value('X-A', '1'), value('x-a', '2')] };
  assert.equal(matches(headers, 'GET /', 'x-a: 1'), true);
  assert.equal(matches(headers, 'GET /', 'x-a: 2'), false);
  const queryParams = { ...any, queryParams: [value('q', '1'), value('q', '2'), value('Q', '3')] };
  assert.equal(matches(queryParams, 'GET /?q=1&Q=3'), true);
  assert.equal(matches(queryParams, 'GET /?q=1'), false);
});

test('findRule gives the first rule that takes the request, in order', () => {
  const rules = compileRules([
    { name: 'put', matches: [{ ...any, method: 'PUT' }] },
    { name: '', matches: [path('prefix', '/a')] },
    { name: 'rest', matches: [path('prefix', '/')] },
  ]);
  const nameOf = (line: string): string | undefined => {
    const head = requestOf(line);
    return findRule(rules, head, head.path())?.name;
  };
  assert.deepEqual(['PUT /a', 'GET /a', 'GET /b', 'OPTIONS *'].map(nameOf), [
    'put',
    '',
    'rest',
    undefined,
  ]);
});

for (const match of [
  path('regex', '/a('),
  { ...any, headers: [value('x', '[', true)] },
  { ...any, queryParams: [value('x', '*', true)] },
]) {
  test(`compileRules throws on the regular expression of ${JSON.stringify(match)}`, () => {
    assert.throws(() => compileRules([{ name: 'r', matches: [match] }]), /[Rr]egular expression/);
  });
}
