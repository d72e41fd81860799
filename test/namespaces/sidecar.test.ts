/** The real sidecar behind real rules: what the kernel redirects goes where it was going. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { APART, FAMILIES, at, withPod } from '../support/intercepted-pod.ts';
import { withoutTables } from '../support/network-namespace.ts';

const skip = withoutTables('setpriv');
const TOGETHER = ['--intercept-outbound', '[::]:4140', '--intercept-inbound', '[::]:4143'];

for (const [name, flags] of [
  ['a listener for each family', APART],
  ['one listener for both families', TOGETHER],
  ['two data threads', [...APART, '--threads', '2']],
] as const) {
  it(
    `A sidecar with ${name} carries what the kernel redirects to where it was going`,
    {
      skip,
    },
    async () => {
      await withPod({ flags }, async ({ get, metric }) => {
        for (const { pod, peer, loopback } of FAMILIES) {
          const outbound = await get('pod', peer, 8080);
          assert.ok(outbound.endsWith(`reached ${peer} 8080 from ${pod}`), outbound);
          const inbound = await get('peer', pod, 8080);
          assert.ok(inbound.endsWith(`reached ${pod} 8080 from ${pod}`), inbound);
          const bound = await get('peer', pod, 8081);
          assert.ok(bound.endsWith(`reached ${pod} 8081 from ${pod}`), bound);
          assert.match(await get('peer', pod, 8082), /^HTTP\/1.1 502 /, 'loopback is its own');
          const hairpin = await get('pod', pod, 8080);
          assert.ok(hairpin.endsWith(`reached ${pod} 8080 from ${pod}`), hairpin);
          const direct = await get('pod', loopback, 8082);
          assert.ok(direct.endsWith(`reached ${loopback} 8082 from ${loopback}`), direct);
          assert.match(await get('pod', loopback, 4140), /^HTTP\/1.1 508 /, at(loopback, 4140));
          assert.match(await get('peer', pod, 4143), /^HTTP\/1.1 508 /, at(pod, 4143));
          // Nobody listens there: nothing is answered, and the connection is cut.
          const refused = await get('pod', peer, 9);
          assert.doesNotMatch(refused, /HTTP/);
          assert.match(refused, /reset by peer|failed/);
        }
        assert.equal(
          await metric('request_total', { direction: 'outbound', authority: 'unknown' }),
          6,
        );
        const failed = { direction: 'outbound', error: 'outside-failed' };
        assert.equal(await metric('proxy_errors_total', failed), 2);
      });
    },
  );
}

it(
  'A sidecar that is not the user whom the rules exempt answers 508 and goes on',
  {
    skip,
  },
  async () => {
    await withPod({ flags: APART, proxyUid: 2103 }, async ({ get, metric }) => {
      for (const { peer } of FAMILIES) {
        assert.match(await get('pod', peer, 8080), /^HTTP\/1.1 508 /);
      }
      assert.equal(await metric('proxy_errors_total', { error: 'proxy-loop' }), 2);
    });
  },
);
