import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { flagName } from '../../base/settings.ts';
import { INIT_FLAGS, readInitFlags } from './flags.ts';
import { failedReport, simulation } from './report.ts';
import { InitFailure } from './failure.ts';

const problemsOf = (...args: readonly string[]): readonly string[] =>
  readInitFlags(args, {}).problems;

it('Without flags the ports and the user are those that everybody expects', () => {
  const { flags, problems } = readInitFlags([], {});
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [flags.proxyUid, flags.inboundPort, flags.outboundPort, flags.adminPort],
    [2102, 4143, 4140, 4191],
  );
  assert.deepEqual([flags.backend, flags.ipv6, flags.output], ['auto', 'auto', 'text']);
});

it('Lists of ports and subnets are read', () => {
  const { flags, problems } = readInitFlags(
    ['--skip-inbound-ports', '25,4444-4450', '--skip-subnets=10.0.0.0/8,fd00::/8', '-o', 'json'],
    { CULVERT_SKIP_OUTBOUND_PORTS: '3306' },
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(flags.skipInboundPorts, [
    { first: 25, last: 25 },
    { first: 4444, last: 4450 },
  ]);
  assert.deepEqual(flags.skipOutboundPorts, [{ first: 3306, last: 3306 }]);
  assert.equal(flags.skipSubnets.length, 2);
  assert.equal(flags.output, 'json');
});

const bad: readonly (readonly [args: readonly string[], problem: RegExp])[] = [
  [['--proxy-uid', '0'], /^--proxy-uid: "0" is not integer 1 to 4294967294$/],
  [['--inbound-port', '65536'], /^--inbound-port: "65536" is not integer 1 to 65535$/],
  [['--inbound-port', '4140'], /each must be another port$/],
  [['--skip-inbound-ports', 'mysql'], /^--skip-inbound-ports: "mysql" is not ports and ranges/],
  [['--skip-outbound-ports', '9-8'], /^--skip-outbound-ports: "9-8" is not/],
  [['--skip-subnets', '0.0.0.0/0'], /^--skip-subnets: "0.0.0.0\/0" is not/],
  [['--backend', 'ebtables'], /^--backend: "ebtables" is not auto \| nft \| legacy$/],
  [['--everything'], /^--everything: no such setting/],
  [['now'], /^now: unexpected argument/],
  [['--remove', '--simulate'], /at most one of them$/],
  [['-o', 'yaml'], /^--output: "yaml" is not text \| json$/],
];

for (const [args, problem] of bad) {
  it(`The flags ${args.join(' ')} are refused in one line`, () => {
    const problems = problemsOf(...args);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', problem);
  });
}

it('Every flag is described in docs/proxy-init.md', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/proxy-init.md'), 'utf8');
  for (const name of Object.keys(INIT_FLAGS)) {
    assert.ok(page.includes(`\`--${flagName(name)}`), `--${flagName(name)}`);
  }
});

it('A simulation prints what iptables-restore would be given, one text a family', () => {
  const { out } = simulation(readInitFlags(['--simulate'], {}).flags);
  assert.match(out, /^# IPv4: iptables-nft-restore --noflush --wait=5\n\*nat\n/);
  assert.match(out, /\n# IPv6: ip6tables-nft-restore --noflush --wait=5\n\*nat\n/);
  assert.equal(out.match(/^COMMIT$/gm)?.length, 2);
  assert.match(out, /\n# Connection tracking: echo 1 >\/proc\/sys\/net\/.*_be_liberal\n$/);
});

it('A simulation in JSON is one line with the rules as data', () => {
  const args = ['--simulate', '-o', 'json', '--ipv6', 'off', '--backend', 'legacy'];
  const { out } = simulation(readInitFlags(args, {}).flags);
  assert.equal(out.trimEnd().includes('\n'), false);
  const { families } = JSON.parse(out) as { families: { command: string; rules: unknown[] }[] };
  assert.equal(families.length, 1);
  assert.equal(families[0]?.command, 'iptables-legacy-restore --noflush --wait=5');
  assert.equal(families[0].rules.length, 7);
});

it('A failure says that nothing changed only where nothing did', () => {
  const { flags } = readInitFlags([], {});
  assert.match(
    failedReport(new InitFailure('No.'), flags).err,
    /^No\. The tables are as they were/,
  );
  assert.equal(failedReport(new InitFailure('No.', true), flags).err, 'No.\n');
});
