import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newEndpoints } from '../../test/support/endpoints.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';
import { NO_ROUTES } from '../route/names.ts';
import { noEndpoint, notTaken, ofService, unreachable } from './exchange-errors.ts';

const AUTHORITY = 'web.demo.svc.cluster.local:80';
const REFUSED = 'Cannot connect to 10.0.0.1:80: ECONNREFUSED.';

const destinationOf = (endpoints: readonly Endpoint[], ready: number): Destination => ({
  authority: AUTHORITY,
  service: 'web',
  namespace: 'demo',
  port: 80,
  picker: { pick: () => undefined },
  routes: NO_ROUTES,
  endpoints,
  readyCount: ready,
});

test('noEndpoint says the service, how many are ready, since when, and the last dial error', () => {
  const endpoints = newEndpoints('a', 'b');
  const none = destinationOf(endpoints, 0);
  assert.equal(noEndpoint(none, 5_000).sentence, `${AUTHORITY} has 0 of 2 endpoints ready.`);
  none.noneReadySinceMs = 1_000;
  endpoints[1]?.dialFailed(REFUSED, 2_000);
  assert.equal(
    noEndpoint(none, 63_000).sentence,
    `${AUTHORITY} has 0 of 2 endpoints ready, for 62 s. Last dial error: ${REFUSED} It has failed for 61 s.`,
  );
  endpoints[1]?.dialFailed(REFUSED, 62_000);
  endpoints[1]?.dialled();
  assert.equal(
    noEndpoint(none, 601_000).sentence,
    `${AUTHORITY} has 0 of 2 endpoints ready, for 10 min.`,
  );
});

test('unreachable says the same of dials that failed, and stays the failure that it was', () => {
  const endpoints = newEndpoints('a', 'b', 'c');
  const [last] = endpoints;
  const error = new MeshError('upstream-refused', 'upstream', REFUSED, 'unsent');
  last!.dialFailed(REFUSED, 1_000);
  const said = unreachable(destinationOf(endpoints, 2), last!, error, 1_400);
  assert.deepEqual([said.code, said.source, said.retry], [error.code, error.source, error.retry]);
  assert.equal(
    said.sentence,
    `${AUTHORITY} cannot be reached, with 2 of 3 endpoints ready. Last dial error: ${REFUSED} It has failed for 0.4 s.`,
  );
});

test('notTaken says that an application that was there did nothing with the request', () => {
  const [application] = newEndpoints('a');
  const refused = new MeshError('upstream-refused', 'upstream', REFUSED, 'unsent');
  assert.equal(notTaken(application!, refused), refused, 'one that never was there');
  application!.dialled();
  const { code, resetCode, retry, sentence } = notTaken(application!, refused);
  assert.deepEqual([code, retry, sentence, resetCode], [refused.code, 'unsent', REFUSED, 7]);
  const unreached = new MeshError('upstream-unreachable', 'upstream', 'No port left.', 'unsent');
  assert.equal(notTaken(application!, unreached).resetCode, 7);
  const late = new MeshError('deadline-passed', 'upstream', 'Late.', 'unsent');
  assert.equal(notTaken(application!, late), late);
});

test('ofService names the service of an endpoint that failed, once, and of no other failure', () => {
  const destination = destinationOf(newEndpoints('a', 'b'), 1);
  const sentence = '10.0.0.1:80 ended the connection before it answered.';
  const lost = new MeshError('upstream-reset', 'upstream', sentence, 'if-reused', 8);
  const told = ofService(destination, lost);
  assert.equal(told.sentence, `${AUTHORITY}, with 1 of 2 endpoints ready: ${sentence}`);
  assert.deepEqual([told.code, told.retry, told.resetCode], ['upstream-reset', 'if-reused', 8]);
  assert.equal(ofService(destination, told), told);
  assert.equal(ofService(undefined, lost), lost);
  const full = new MeshError('overloaded', 'proxy', 'Full.');
  assert.equal(ofService(destination, full), full);
});

test('unreachable says of a pod that was dialled at its own address that it is that', () => {
  const [only] = newEndpoints('a');
  const fixed = { ...destinationOf([only!], 1), fixed: true };
  const error = new MeshError('deadline-passed', 'upstream', REFUSED, 'unsent');
  assert.equal(unreachable(fixed, only!, error, 0).code, 'address-refused');
  const full = new MeshError('out-of-descriptors', 'proxy', 'Full.', 'unsent');
  assert.equal(unreachable(fixed, only!, full, 0).code, 'out-of-descriptors');
});

test('an address outside the mesh fails as itself: in its own words, to be passed on', () => {
  const [only] = newEndpoints('a');
  const outside = { ...destinationOf([only!], 1), outside: true };
  for (const code of ['upstream-refused', 'deadline-passed'] as const) {
    const error = new MeshError(code, 'upstream', REFUSED, 'unsent');
    const told = unreachable(outside, only!, error, 0);
    assert.deepEqual([told.code, told.sentence, told.resetCode], ['outside-failed', REFUSED, 7]);
    assert.equal(ofService(outside, told), told);
  }
  const lost = new MeshError('upstream-reset', 'upstream', 'Gone.', 'never', 2);
  const passed = ofService(outside, lost);
  assert.deepEqual(
    [passed.code, passed.sentence, passed.resetCode],
    ['outside-failed', 'Gone.', 2],
  );
  const dead = new MeshError('deadline-passed', 'upstream', 'ETIMEDOUT.', 'if-reused');
  assert.equal(ofService(outside, dead).code, 'outside-failed', 'the system gave it up');
  for (const [code, source] of [
    ['upstream-protocol', 'upstream'],
    ['deadline-passed', 'upstream'],
    ['overloaded', 'proxy'],
  ] as const) {
    const other = new MeshError(code, source, 'Other.');
    assert.equal(ofService(outside, other), other, code);
  }
  const full = new MeshError('out-of-descriptors', 'proxy', 'Full.', 'unsent');
  assert.equal(unreachable(outside, only!, full, 0), full);
});
