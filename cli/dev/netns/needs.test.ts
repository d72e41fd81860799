import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIpRange, parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { missingNeeds, rangeProblem, readRoutes } from './needs.ts';

const ALL = 2n ** 41n - 1n;
const GOOD = { platform: 'linux', euid: 0, capabilities: ALL, hasProgram: () => true };

test('root on a Linux with all programs needs nothing', () => {
  assert.deepEqual(missingNeeds(GOOD), []);
  assert.deepEqual(missingNeeds({ ...GOOD, capabilities: undefined }), []);
});

test('what is missing is said, a sentence each, with how to get it', () => {
  const problems = missingNeeds({
    ...GOOD,
    euid: 1_000,
    hasProgram: (name) => !name.startsWith('ip') && name !== 'setpriv',
  });
  assert.deepEqual(problems, [
    '--network netns needs root to make network namespaces: run it with sudo.',
    '--network netns needs ip, of the package iproute2: apt-get install iproute2.',
    '--network netns needs iptables and iptables-save and iptables-restore, of the package iptables: apt-get install iptables.',
    '--network netns needs setpriv, of the package util-linux: apt-get install util-linux.',
  ]);
});

const lacking = (...bits: readonly bigint[]): readonly string[] => {
  const capabilities = bits.reduce((all, bit) => all & ~(1n << bit), ALL);
  return missingNeeds({ ...GOOD, capabilities });
};

test('root of a container is told which capabilities it lacks', () => {
  const why = 'which root does not have here: give the container those, or run it outside.';
  assert.deepEqual(lacking(21n, 12n), [
    `--network netns needs CAP_NET_ADMIN and CAP_SYS_ADMIN, ${why}`,
  ]);
  // To run as others, to see them and to end them.
  assert.deepEqual(lacking(0n, 5n, 6n, 7n, 19n), [
    `--network netns needs CAP_CHOWN and CAP_KILL and CAP_SETGID and CAP_SETUID and CAP_SYS_PTRACE, ${why}`,
  ]);
});

test('other systems are told that alone', () => {
  const mac = { platform: 'darwin', euid: 501, capabilities: undefined };
  const problems = missingNeeds({ ...mac, hasProgram: () => false });
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /needs Linux/);
});

const range = (text: string): IpRange => parseIpRange(text) as IpRange;

test('range is refused where the machine has a way to a part of it, or the other range does', () => {
  const [pods, services] = [range('10.199.0.0/16'), range('10.198.0.0/16')];
  const routes = readRoutes('[{"dst":"default"},{"dst":"10.199.7.7","dev":"tun0"}]');
  assert.match(rangeProblem(pods, services, routes) ?? '', /a way to 10\.199\.7\.7\/32 already/);
  assert.match(rangeProblem(pods, range('10.192.0.0/10'), []) ?? '', /overlap/);
  assert.equal(rangeProblem(pods, services, readRoutes('[{"dst":"10.200.0.0/16"}]')), undefined);
});

test('routes are read, but those that are everywhere', () => {
  const json = '[{"dst":"default"},{"dst":"0.0.0.0/1"},{"dst":"10.0.0.0/8","dev":"e"},{"x":1},7]';
  assert.deepEqual(readRoutes(json).map(formatIpRange), ['10.0.0.0/8']);
  assert.deepEqual(readRoutes(''), []);
  assert.deepEqual(readRoutes('{}'), []);
});
