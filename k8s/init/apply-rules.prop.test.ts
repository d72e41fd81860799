import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { FakeIptables } from '../../test/support/fake-iptables.ts';
import { applyRules } from './apply-rules.ts';
import type { ApplyRequest } from './apply-rules.ts';
import { InitFailure } from './failure.ts';
import { removeRules } from './remove-rules.ts';
import { parseSubnet } from './subnet.ts';

const NEVER = new AbortController().signal;

const port = fc.integer({ min: 1, max: 65_535 });
const range = fc
  .tuple(port, port)
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const subnet = fc
  .oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 })),
  )
  .map(([address, bits]) => parseSubnet(`${address}/${bits}`) ?? assert.fail(address));

const request: fc.Arbitrary<ApplyRequest> = fc.record({
  options: fc.record({
    proxyUid: fc.integer({ min: 1, max: 65_534 }),
    inboundPort: fc.constant(4143),
    outboundPort: fc.constant(4140),
    adminPort: fc.constant(4191),
    skipInboundPorts: fc.array(range, { maxLength: 40 }),
    skipOutboundPorts: fc.array(range, { maxLength: 40 }),
    skipSubnets: fc.array(subnet, { maxLength: 8 }),
  }),
  backend: fc.constant('auto' as const),
  ipv6: fc.constantFrom('on' as const, 'off' as const),
});

/** Rules of others, in chains that our jumps go to as well. */
const foreignRules = fc.array(
  fc.constantFrom(
    '-A PREROUTING -p udp -j RETURN',
    '-A PREROUTING -s 10.0.0.0/8 -j RETURN',
    '-A OUTPUT -d 10.0.0.53/32 -p udp -j RETURN',
  ),
  { maxLength: 5 },
);

function machineWith(rules: readonly string[], listsAll: boolean): FakeIptables {
  const machine = new FakeIptables();
  machine.listsAll = listsAll;
  if (rules.length === 0) return machine;
  const of = (chain: string): { policy: string; rules: string[] } => ({
    policy: 'ACCEPT',
    rules: rules.filter((rule) => rule.startsWith(`-A ${chain} `)),
  });
  const used = ['PREROUTING', 'OUTPUT'].filter((chain) => of(chain).rules.length > 0);
  machine.tables.set('nft/ipv4', new Map(used.map((chain) => [chain, of(chain)])));
  return machine;
}

async function apply(machine: FakeIptables, asked: ApplyRequest): Promise<boolean> {
  const applied = await applyRules(asked, machine.run, NEVER);
  if (applied instanceof InitFailure) return assert.fail(applied.sentence);
  return applied.changed;
}

it('Any rules applied, twice, after others, and removed leave every table as it was', async () => {
  await fc.assert(
    fc.asyncProperty(request, request, foreignRules, fc.boolean(), async (...given) => {
      const [first, second, foreign, listsAll] = given;
      const machine = machineWith(foreign, listsAll);
      const before = machine.everything();
      assert.equal(await apply(machine, first), true);
      const once = machine.everything();
      assert.equal(await apply(machine, first), false);
      assert.equal(machine.everything(), once);
      await apply(machine, second);
      const removed = await removeRules('auto', machine.run, NEVER);
      assert.ok(!(removed instanceof InitFailure));
      assert.deepEqual(removed.warnings, []);
      assert.equal(machine.everything(), before);
    }),
    { numRuns: 50 },
  );
});
