import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestOf } from '../../test/support/request-of.ts';
import type { RouteRule } from '../model/destination.ts';
import { LearnedRoutes, OTHER_ROUTE } from './learn.ts';
import { NO_ROUTES, compileRouteNames } from './names.ts';

const rule = (name: string, prefix: string): RouteRule => ({
  name,
  matches: [
    { method: undefined, path: { kind: 'prefix', value: prefix }, headers: [], queryParams: [] },
  ],
});

test('RouteNames prefers the name of a rule, and learns where no rule has one', () => {
  const names = compileRouteNames([rule('cart', '/cart'), rule('', '/x')], new LearnedRoutes());
  assert.equal(names.nameOf(requestOf('GET /cart/17')), 'cart');
  assert.equal(names.nameOf(requestOf('GET /x/17')), 'GET /x/{id}');
  assert.equal(names.nameOf(requestOf('GET /y/17')), 'GET /y/{id}');
});

test('RouteNames settles a declared name whatever the answer, a learned one by the answer', () => {
  const names = compileRouteNames([rule('cart', '/cart')], new LearnedRoutes());
  assert.equal(names.settle('cart', false), 'cart');
  assert.equal(names.settle('GET /y', false), OTHER_ROUTE);
  assert.equal(names.settle('GET /y', true), 'GET /y');
});

test('RouteNames of the next version forgets no learned name', () => {
  const learned = new LearnedRoutes();
  compileRouteNames([], learned).settle('GET /y', true);
  assert.equal(compileRouteNames([rule('a', '/a')], learned).settle('GET /y', false), 'GET /y');
});

test('RouteNames names gRPC by its path, as content-type tells it', () => {
  const names = compileRouteNames([], new LearnedRoutes());
  for (const type of ['application/grpc', 'application/grpc+proto']) {
    const head = requestOf('POST /shop.Cart/Add', `Content-Type: ${type}`);
    assert.equal(names.nameOf(head), '/shop.Cart/Add', type);
  }
  const json = requestOf('POST /shop.Cart/Add', 'Content-Type: application/json');
  assert.equal(names.nameOf(json), 'POST /shop.Cart/Add');
});

test('RouteNames remembers the names of a gRPC method and of another request to its path', () => {
  const names = compileRouteNames([], new LearnedRoutes());
  const grpc = requestOf('POST /shop.Cart/Add1234567', 'Content-Type: application/grpc');
  const json = requestOf('POST /shop.Cart/Add1234567', 'Content-Type: application/json');
  for (let i = 0; i < 3; i++) {
    assert.equal(names.nameOf(grpc), '/shop.Cart/Add1234567');
    assert.equal(names.nameOf(json), 'POST /shop.Cart/{id}');
  }
});

test('RouteNames names an absolute-form target as it goes upstream', () => {
  const names = compileRouteNames([rule('root', '/')], new LearnedRoutes());
  const learned = compileRouteNames([], new LearnedRoutes());
  for (const [line, learns] of [
    ['GET http://web/a/1?x', 'GET /a/{id}'],
    ['GET http://web', 'GET /'],
    ['GET http://web?x=1', 'GET /'],
  ] as const) {
    assert.equal(names.nameOf(requestOf(line)), 'root', line);
    assert.equal(learned.nameOf(requestOf(line)), learns, line);
  }
});

test('NO_ROUTES names nothing', () => {
  assert.equal(NO_ROUTES.nameOf(requestOf('GET /')), '');
  assert.equal(NO_ROUTES.settle('', true), '');
});
