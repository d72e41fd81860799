import assert from 'node:assert/strict';
import { it } from 'node:test';
import { InitFailure } from './failure.ts';
import { NatTable } from './nat-table.ts';
import type { Ran, Runner } from './runner.ts';

/** A runner that ends every program so, and writes down what was run. */
function ending(ran: Partial<Ran>, runs: string[] = []): Runner {
  return (program, args) => {
    runs.push([program, ...args].join(' '));
    return Promise.resolve({ code: 0, missing: false, stdout: '', stderr: '', ...ran });
  };
}

const said: readonly (readonly [stderr: string, reason: RegExp])[] = [
  [
    "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n",
    /The kernel has no table nat for IPv4 that this back end can use; try the other --backend/,
  ],
  [
    'iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n',
    /It needs root, or CAP_NET_ADMIN and CAP_NET_RAW, in this network namespace/,
  ],
  [
    "Fatal: can't open lock file /run/xtables.lock: Read-only file system\n",
    /It needs to write \/run\/xtables\.lock: mount a writable \/run/,
  ],
  [
    'Another app is currently holding the xtables lock; still 4s 0us time ahead to have a chance to grab the lock...\n',
    /Another program holds the tables: try again/,
  ],
];

for (const [stderr, reason] of said) {
  it(`A program that says ${JSON.stringify(stderr.slice(0, 60))} fails with a plain reason`, async () => {
    const failed = await new NatTable(ending({ code: 4, stderr }), 'nft', 'ipv4').commit('');
    assert.match(failed?.sentence ?? '', /^iptables-nft-restore failed with code 4, saying: /);
    assert.match(failed?.sentence ?? '', reason);
    assert.doesNotMatch(failed?.sentence ?? '', /\n/);
  });
}

it('A long message of a program is cut', async () => {
  const stderr = 'x'.repeat(10_000);
  const failed = await new NatTable(ending({ code: 2, stderr }), 'nft', 'ipv4').commit('');
  assert.ok((failed?.sentence.length ?? 0) < 500);
});

it('Each back end and family has programs of its own', async () => {
  const runs: string[] = [];
  const run = ending({}, runs);
  await new NatTable(run, 'nft', 'ipv4').read();
  await new NatTable(run, 'legacy', 'ipv6').check('');
  await new NatTable(run, 'legacy', 'ipv6').commit('');
  await new NatTable(run, 'nft', 'ipv6').dropTable();
  assert.deepEqual(runs, [
    'iptables-nft-save',
    'ip6tables-legacy-restore --test --noflush --wait=5',
    'ip6tables-legacy-restore --noflush --wait=5',
    'nft delete table ip6 nat',
  ]);
});

it('A table that iptables cannot show is a failure', async () => {
  const stdout = "# Table `nat' is incompatible, use 'nft' tool.\n";
  const read = await new NatTable(ending({ stdout }), 'nft', 'ipv6').read();
  assert.ok(read instanceof InitFailure);
  assert.match(read.sentence, /^Table nat of IPv6 holds rules that ip6tables-nft-save cannot show/);
});
