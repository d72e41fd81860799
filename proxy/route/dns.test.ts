import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import { withDeadline } from '../../test/support/deadline.ts';
import { timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import { type DnsAnswer, resolveBySystem } from './dns.ts';

const resolve = (authority: string | undefined, port = 8080): Promise<DnsAnswer> =>
  withDeadline(
    `an answer about ${authority}`,
    new Promise((tell) => {
      resolveBySystem({ originalDst: undefined, authority, port }, tell);
    }),
  );

async function destination(name: string): Promise<Exclude<DnsAnswer['found'], MeshError>> {
  const { found, keepMs } = await resolve(name);
  if (found instanceof MeshError) assert.fail(found.sentence);
  assert.equal(keepMs, timeouts.dnsPositiveMs);
  return found;
}

test('resolveBySystem makes a destination without labels of localhost', async () => {
  const { endpoints, ...rest } = await destination('localhost');
  assert.deepEqual(rest, {
    authority: 'localhost:8080',
    service: '',
    namespace: '',
    port: 8080,
    routes: [],
  });
  assert.ok(endpoints.length > 0);
  for (const { host, port, ready, meshed, owner } of endpoints) {
    assert.ok(host === '::1' || (isIPv4(host) && host.startsWith('127.')), host);
    assert.deepEqual([port, ready, meshed, owner.namespace], [8080, true, false, '']);
  }
});

for (const literal of ['127.0.0.9', '::1']) {
  test(`resolveBySystem takes the literal ${literal} as it is`, async () => {
    const { endpoints } = await destination(literal);
    assert.deepEqual(
      endpoints.map(({ host }) => host),
      [literal],
    );
  });
}

test('resolveBySystem says of an unknown name that it is none, or that the service failed', async () => {
  // "invalid" is reserved to exist nowhere (RFC 2606); without a name service the lookup fails.
  const { found, keepMs } = await resolve('nowhere.invalid');
  assert.ok(found instanceof MeshError);
  assert.equal(keepMs, timeouts.dnsNegativeMs);
  assert.match(found.code, /^(?:no-such-service|dns-failed|deadline-passed)$/);
  assert.match(found.sentence, /nowhere\.invalid/);
});
