import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../limits.ts';
import { LearnedRoutes, OTHER_ROUTE, templatePath } from './learn.ts';

const TEMPLATES: readonly (readonly [path: string, template: string])[] = [
  ['/', '/'],
  ['', ''],
  ['*', '{id}'],
  ['/users', '/users'],
  ['/users/', '/users/'],
  ['/users/17', '/users/{id}'],
  ['/users/17/cart?x=1/2', '/users/{id}/cart'],
  ['/a?', '/a'],
  ['//a//1', '//a//{id}'],
  // Short words with digits are names: versions, protocols.
  ['/v1/oauth2/s3', '/v1/oauth2/s3'],
  ['/api/v2beta1/x', '/api/v2beta1/x'],
  ['/0', '/{id}'],
  ['/9e107d9d-372b-4f2d-a8c5-3fb7a1f7d3e1', '/{id}'],
  ['/9E107D9D-372B-4F2D-A8C5-3FB7A1F7D3E1', '/{id}'],
  ['/deadbeef', '/deadbeef'],
  ['/deadbee5', '/{id}'],
  ['/abc123', '/abc123'],
  ['/order-2024-17', '/{id}'],
  ['/user_12345', '/{id}'],
  ['/continued', '/continued'],
  ['/parcels:batch', '/{id}'],
  ['/caf%C3%A9', '/{id}'],
  ['/a@b.example', '/{id}'],
  ['/x;v=1', '/{id}'],
  [`/${'a'.repeat(40)}`, `/${'a'.repeat(40)}`],
  [`/${'a'.repeat(41)}`, '/{id}'],
];

for (const [path, template] of TEMPLATES) {
  test(`templatePath gives ${JSON.stringify(template)} for ${JSON.stringify(path)}`, () => {
    assert.equal(templatePath(path), template);
    assert.equal(templatePath(path), templatePath(`${path}?id=99`), 'the query does not matter');
  });
}

test('LearnedRoutes names a request METHOD and template, a gRPC request by its path', () => {
  const learned = new LearnedRoutes();
  assert.equal(learned.nameOf('GET', '/a/1', false), 'GET /a/{id}');
  assert.equal(learned.nameOf('GET', '/a/1', false), 'GET /a/{id}', 'remembered');
  assert.equal(learned.nameOf('PUT', '/a/1', false), 'PUT /a/{id}');
  assert.equal(learned.nameOf('POST', '/shop.v1.Cart/Add', true), '/shop.v1.Cart/Add');
});

test('LearnedRoutes takes only "/package.Service/Method" for the name of a gRPC method', () => {
  const learned = new LearnedRoutes();
  assert.equal(learned.nameOf('POST', '/shop.Cart/Add?x=1', true), 'POST /shop.Cart/Add');
  assert.equal(learned.nameOf('POST', '/shop.Cart/Add/17', true), 'POST /shop.Cart/Add/{id}');
  assert.equal(learned.nameOf('POST', '/', true), 'POST /');
  assert.equal(learned.nameOf('POST', '/Cart/Add17to42x', true), '/Cart/Add17to42x');
});

test('LearnedRoutes names a target the same after it forgot the targets it remembered', () => {
  const learned = new LearnedRoutes();
  const names = new Set<string>();
  for (let i = 0; i < 2 * limits.rememberedTargetsMax + 3; i++) {
    names.add(learned.nameOf('GET', `/a/${i}`, false));
  }
  names.add(learned.nameOf('GET', '/a/0', false));
  assert.deepEqual([...names], ['GET /a/{id}']);
  const long = `/${'ab/'.repeat(200)}`;
  assert.equal(learned.nameOf('GET', long, false), `GET ${long}`);
});

test('LearnedRoutes learns a name from an answer that proves it, not from another', () => {
  const learned = new LearnedRoutes();
  assert.equal(learned.settle('GET /a', false), OTHER_ROUTE);
  assert.equal(learned.settle('GET /a', true), 'GET /a');
  assert.equal(learned.settle('GET /a', false), 'GET /a', 'known from here on');
});

test('LearnedRoutes keeps to its limit, and what it knew', () => {
  const learned = new LearnedRoutes();
  const names = Array.from({ length: limits.learnedRoutesMax }, (_, i) => `GET /word${i}`);
  for (const name of names) assert.equal(learned.settle(name, true), name);
  assert.equal(learned.settle('GET /one-more', true), OTHER_ROUTE);
  for (const name of names) assert.equal(learned.settle(name, true), name);
});
