import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeIptables } from '../../test/support/fake-iptables.ts';
import { applyRules } from './apply-rules.ts';
import type { Applied, ApplyRequest } from './apply-rules.ts';
import { checkRules } from './check-rules.ts';
import { InitFailure } from './failure.ts';
import { readInitFlags } from './flags.ts';
import { removeRules } from './remove-rules.ts';
import type { Ran } from './runner.ts';

const GLOBAL = 'fd000000000000000000000000000005 02 40 00 80     eth0\n';
const LOOPBACK = '00000000000000000000000000000001 01 80 10 80       lo\n';
const NEVER = new AbortController().signal;
const REFUSED: Ran = { code: 4, missing: false, stdout: '', stderr: 'the kernel says no\n' };
const KILLED: Ran = { code: undefined, missing: false, stdout: '', stderr: '' };

function requestOf(...args: readonly string[]): ApplyRequest {
  const { flags, problems } = readInitFlags(args, {});
  assert.deepEqual(problems, []);
  return { options: flags, backend: flags.backend, ipv6: flags.ipv6 };
}

function dualStack(): FakeIptables {
  const machine = new FakeIptables();
  machine.addresses = GLOBAL;
  return machine;
}

async function apply(machine: FakeIptables, ...args: readonly string[]): Promise<Applied> {
  const applied = await applyRules(requestOf(...args), machine.run, NEVER);
  if (applied instanceof InitFailure) return assert.fail(applied.sentence);
  return applied;
}

async function fail(machine: FakeIptables, ...args: readonly string[]): Promise<InitFailure> {
  const applied = await applyRules(requestOf(...args), machine.run, NEVER);
  assert.ok(applied instanceof InitFailure);
  return applied;
}

async function remove(machine: FakeIptables): Promise<readonly string[]> {
  const removed = await removeRules('auto', machine.run, NEVER);
  if (removed instanceof InitFailure) return assert.fail(removed.sentence);
  return removed.families.map(({ backend, family }) => `${backend}/${family}`);
}

/** A table as somebody else left it. */
const others = (): Map<string, { policy: string; rules: string[] }> =>
  new Map([
    ['PREROUTING', { policy: 'ACCEPT', rules: ['-A PREROUTING -p udp -j THEIRS'] }],
    ['THEIRS', { policy: '-', rules: ['-A THEIRS -s 10.0.0.0/8 -j RETURN'] }],
  ]);

it('The kernel is made liberal behind the rules; where it may not be, the rules are in force', async () => {
  const machine = dualStack();
  machine.liberal = undefined;
  const { changed, warnings } = await apply(machine);
  assert.equal(changed, true);
  assert.match(warnings.join(), /^Segments out of the window .* \(tee: Read-only file system\)\.$/);
  machine.liberal = '0\n';
  const again = await apply(machine);
  assert.deepEqual([again.changed, again.warnings], [false, []]);
  assert.equal(machine.liberal, '1\n');
});

it('Rules that are refused leave the kernel as strict as it was', async () => {
  const machine = dualStack();
  machine.refusals = [{ program: 'iptables-nft-restore', argument: '!--test', ran: REFUSED }];
  await fail(machine, '--backend', 'nft');
  assert.equal(machine.liberal, '0\n');
});

it('Rules are applied in both families, in the nft back end where there is one', async () => {
  const machine = dualStack();
  const { changed, families, warnings } = await apply(machine);
  assert.equal(changed, true);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    families.map(({ family, backend }) => `${backend}/${family}`),
    ['nft/ipv4', 'nft/ipv6'],
  );
  assert.deepEqual(machine.changes, ['iptables-nft-restore', 'ip6tables-nft-restore']);
  assert.equal(machine.tables.has('legacy/ipv4'), false, 'looking made nothing');
  const checked = await checkRules(requestOf(), machine.run);
  assert.deepEqual([checked.problems, checked.families.length], [[], 2]);
});

for (const backend of ['nft', 'legacy'] as const) {
  it(`Rules applied twice are as applied once (${backend})`, async () => {
    const machine = dualStack();
    await apply(machine, '--backend', backend);
    const once = machine.everything();
    const again = await apply(machine, '--backend', backend);
    assert.equal(again.changed, false);
    assert.equal(machine.everything(), once);
    assert.equal(machine.changes.length, 2);
  });

  it(`Rules that are removed leave the tables of others as they were (${backend})`, async () => {
    const machine = dualStack();
    const table = others();
    // Legacy tables always have all their chains.
    if (backend === 'legacy') {
      for (const chain of ['INPUT', 'OUTPUT', 'POSTROUTING']) {
        table.set(chain, { policy: 'ACCEPT', rules: [] });
      }
    }
    machine.tables.set(`${backend}/ipv4`, table);
    await apply(machine, '--backend', backend);
    await remove(machine);
    const once = machine.everything();
    assert.doesNotMatch(once, /CULVERT/);
    await apply(machine, '--backend', backend, '--skip-outbound-ports', '25');
    await apply(machine, '--backend', backend, '--skip-outbound-ports', '26,27');
    assert.deepEqual(await remove(machine), [`${backend}/ipv4`, `${backend}/ipv6`]);
    assert.equal(machine.everything(), once);
  });
}

for (const listsAll of [true, false]) {
  const how = listsAll ? 'all chains are listed' : 'only chains that are there are listed';
  it(`What the nft back end made goes with our rules, and nothing else, where ${how}`, async () => {
    const machine = dualStack();
    machine.listsAll = listsAll;
    machine.tables.set('nft/ipv4', others());
    const before = machine.everything();
    await apply(machine);
    await remove(machine);
    assert.equal(machine.everything(), before);
    assert.ok(machine.changes.includes('nft delete table ip6 nat'));
  });
}

it('A table that others use by now stays when our rules go', async () => {
  const machine = new FakeIptables();
  await apply(machine);
  machine.tables.get('nft/ipv4')?.set('THEIRS', { policy: '-', rules: [] });
  await remove(machine);
  assert.deepEqual([...(machine.tables.get('nft/ipv4')?.keys() ?? [])], ['THEIRS']);
});

it('An empty table that cannot be taken away is said', async () => {
  const machine = new FakeIptables();
  machine.missing.add('nft');
  await apply(machine);
  const removed = await removeRules('auto', machine.run, NEVER);
  assert.ok(!(removed instanceof InitFailure));
  assert.match(removed.warnings.join(), /stays without rules\. nft is not installed: apt-get/);
  assert.doesNotMatch(machine.everything(), /-A /);
});

it('Removing where nothing is changes nothing', async () => {
  const machine = new FakeIptables();
  machine.tables.set('nft/ipv4', others());
  const before = machine.everything();
  assert.deepEqual(await remove(machine), []);
  assert.equal(machine.everything(), before);
  assert.deepEqual(machine.changes, []);
});

it('New settings replace our rules where they stand', async () => {
  const machine = new FakeIptables();
  await apply(machine);
  machine.tables.get('nft/ipv4')?.get('OUTPUT')?.rules.push('-A OUTPUT -p udp -j RETURN');
  await apply(machine, '--inbound-port', '5143', '--skip-subnets', '10.9.0.0/16');
  const rules = machine.tables.get('nft/ipv4')?.get('OUTPUT')?.rules ?? [];
  assert.match(rules[0] ?? '', /CULVERT_OUTBOUND/);
  assert.equal(rules.length, 2);
  assert.match(machine.everything(), /5143/);
  assert.doesNotMatch(machine.everything(), /4143/);
});

it('Rules of ours that somebody doubled or damaged are put right', async () => {
  const machine = new FakeIptables();
  await apply(machine);
  const once = machine.everything();
  const table = machine.tables.get('nft/ipv4');
  const output = table?.get('OUTPUT')?.rules ?? [];
  output.push(output[0] ?? '');
  table?.get('CULVERT_INBOUND')?.rules.shift();
  const { problems } = await checkRules(requestOf(), machine.run);
  assert.match(problems.join(), /IPv4: culvert's rules \(nft back end\) are not those/);
  assert.equal((await apply(machine)).changed, true);
  assert.equal(machine.everything(), once);
});

it('Rules in both back ends are not in force as asked', async () => {
  const machine = new FakeIptables();
  for (const backend of ['nft', 'legacy']) {
    const alone = new FakeIptables();
    await apply(alone, '--backend', backend);
    machine.tables.set(`${backend}/ipv4`, alone.tables.get(`${backend}/ipv4`)!);
  }
  const { families, problems } = await checkRules(requestOf(), machine.run);
  assert.equal(families.length, 0);
  assert.match(problems.join(), /IPv4: culvert's rules are in both back ends/);
});

it('Rules of others before ours are said', async () => {
  const machine = new FakeIptables();
  machine.tables.set('nft/ipv4', others());
  const { warnings } = await apply(machine);
  assert.deepEqual(warnings, [
    'IPv4: rules of others stand before ours in PREROUTING (1); what they decide is not intercepted.',
  ]);
});

it('The legacy back end is taken where there is no other', async () => {
  const machine = dualStack();
  for (const name of ['iptables', 'ip6tables']) machine.missing.add(`${name}-nft-save`);
  const { families } = await apply(machine);
  assert.deepEqual(
    families.map(({ backend }) => backend),
    ['legacy', 'legacy'],
  );
});

it('Rules stay in the back end they are in', async () => {
  const machine = new FakeIptables();
  await apply(machine, '--backend', 'legacy');
  const { families } = await apply(machine, '--skip-inbound-ports', '1');
  assert.equal(families[0]?.backend, 'legacy');
  const { sentence } = await fail(machine, '--backend', 'nft');
  assert.match(sentence, /already by the legacy back end: take them away first, with --remove/);
  assert.deepEqual(await remove(machine), ['legacy/ipv4']);
});

it('Without programs the sentence says what to install, and nothing changes', async () => {
  const machine = new FakeIptables();
  for (const backend of ['nft', 'legacy']) machine.missing.add(`iptables-${backend}-save`);
  const { sentence, halfway } = await fail(machine);
  assert.match(sentence, /^iptables-nft-save is not installed: apt-get install iptables\./);
  assert.equal(halfway, false);
  assert.equal(machine.tables.size, 0);
});

it('Without IPv6 in the kernel its rules are not tried', async () => {
  const machine = new FakeIptables();
  machine.missing.add('ip6tables-nft-restore');
  const { families, warnings } = await apply(machine);
  assert.deepEqual([families.length, warnings.length], [1, 0]);
});

it('IPv6 that fails is a warning where nobody could be reached over it', async () => {
  const machine = new FakeIptables();
  machine.addresses = LOOPBACK;
  machine.missing.add('ip6tables-nft-restore');
  const { families, warnings } = await apply(machine);
  assert.equal(families.length, 1);
  assert.match(warnings.join(), /IPv6 is not intercepted; .* ip6tables-nft-restore is not/);
});

/** Every step of the way that can fail, as seen by the user: the program and how it fails. */
const failures: readonly (readonly [what: string, program: string, argument: string])[] = [
  ['the check of IPv4', 'iptables-nft-restore', '--test'],
  ['the check of IPv6', 'ip6tables-nft-restore', '--test'],
  ['the change of IPv4', 'iptables-nft-restore', '!--test'],
  ['the change of IPv6', 'ip6tables-nft-restore', '!--test'],
];

for (const [what, program, argument] of failures) {
  for (const args of [[], ['--inbound-port', '5143']]) {
    const state = args.length > 0 ? 'the rules of before' : 'no rules';
    it(`When ${what} fails, ${state} are there as before`, async () => {
      const machine = dualStack();
      machine.tables.set('nft/ipv4', others());
      if (args.length > 0) await apply(machine);
      const before = machine.everything();
      machine.refusals = [{ program, argument, ran: REFUSED }];
      const { sentence, halfway } = await fail(machine, '--backend', 'nft', ...args);
      assert.match(sentence, new RegExp(`^${program} failed with code 4, saying: the kernel`));
      assert.equal(halfway, false);
      assert.equal(machine.everything(), before);
    });
  }
}

for (const program of ['iptables-nft-restore', 'ip6tables-nft-restore']) {
  it(`When ${program} is killed after its work, that is undone`, async () => {
    const machine = dualStack();
    const meanwhile = (): void => {
      machine.refusals = [];
    };
    machine.refusals = [{ program, argument: '!--test', ran: KILLED, afterwards: true, meanwhile }];
    const { sentence, halfway } = await fail(machine, '--backend', 'nft');
    assert.match(sentence, new RegExp(`^${program} was ended`));
    assert.equal(halfway, false);
    assert.equal(machine.everything(), '');
  });

  it(`Interrupted while ${program} works, all is undone`, async () => {
    const machine = dualStack();
    const interruption = new AbortController();
    const meanwhile = (): void => interruption.abort();
    const ran: Ran = { code: 0, missing: false, stdout: '', stderr: '' };
    machine.refusals = [{ program, argument: '!--test', ran, afterwards: true, meanwhile }];
    const applied = await applyRules(requestOf(), machine.run, interruption.signal);
    assert.ok(applied instanceof InitFailure);
    assert.equal(applied.sentence, 'Interrupted.');
    assert.equal(machine.everything(), '');
  });
}

it('What cannot be undone is said, with what to do', async () => {
  const machine = dualStack();
  machine.refusals = [
    {
      program: 'ip6tables-nft-restore',
      argument: '!--test',
      ran: REFUSED,
      meanwhile: () => machine.missing.add('iptables-nft-restore'),
    },
  ];
  const { sentence, halfway } = await fail(machine, '--backend', 'nft');
  assert.equal(halfway, true);
  assert.match(sentence, /could not be undone for IPv4 \(iptables-nft-restore is not installed/);
  assert.match(sentence, /Run it again, or with --remove\.$/);
});

it('Rules that are not there after the kernel took them are a failure', async () => {
  const machine = new FakeIptables();
  const ran: Ran = { code: 0, missing: false, stdout: '', stderr: '' };
  machine.refusals = [{ program: 'iptables-nft-restore', argument: '!--test', ran }];
  const { sentence } = await fail(machine, '--backend', 'nft');
  assert.match(sentence, /^The rules of IPv4 are not what was asked for/);
});

it('When the removal of IPv6 fails, IPv4 is put back', async () => {
  const machine = dualStack();
  await apply(machine);
  const before = machine.everything();
  machine.refusals = [{ program: 'ip6tables-nft-restore', argument: '!--test', ran: REFUSED }];
  const removed = await removeRules('auto', machine.run, NEVER);
  assert.ok(removed instanceof InitFailure);
  assert.equal(removed.halfway, false);
  assert.equal(machine.everything(), before);
});
