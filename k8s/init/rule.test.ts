import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readLine } from './rule.ts';

const same: readonly (readonly [what: string, one: string, other: string])[] = [
  [
    'modules that options imply',
    '-A C -p tcp -m tcp -m multiport --dports 25,587:590 -j RETURN',
    '-A C -p tcp -m multiport --dports 25,587:590 -j RETURN',
  ],
  [
    'the order of options',
    '-A C -d 127.0.0.0/8 -p tcp -m comment --comment "a b" -j RETURN',
    '-A C -p tcp -j RETURN -m comment --comment "a b" -d 127.0.0.0/8',
  ],
  ['an address without its prefix', '-A C -d ::1/128 -j RETURN', '-A C -d 0:0::1 -j RETURN'],
  ['a comment', '-A C -m comment --comment "culvert: x" -j RETURN', '-A C -j RETURN'],
];

for (const [what, one, other] of same) {
  it(`Rules that differ in ${what} say the same`, () => {
    assert.equal(readLine(one)?.said, readLine(other)?.said);
  });
}

const different: readonly (readonly [what: string, one: string, other: string])[] = [
  ['their port', '-A C -p tcp -j REDIRECT --to-ports 1', '-A C -p tcp -j REDIRECT --to-ports 2'],
  ['a negation', '-A C ! -d 10.0.0.0/8 -j RETURN', '-A C -d 10.0.0.0/8 -j RETURN'],
  ['their subnet', '-A C -d 10.0.0.0/8 -j RETURN', '-A C -d 10.0.0.0/9 -j RETURN'],
  ['its side', '-A C -s 10.0.0.0/8 -j RETURN', '-A C -d 10.0.0.0/8 -j RETURN'],
  ['their target', '-A C -p tcp -j RETURN', '-A C -p tcp -j ACCEPT'],
];

for (const [what, one, other] of different) {
  it(`Rules that differ in ${what} do not say the same`, () => {
    assert.notEqual(readLine(one)?.said, readLine(other)?.said);
  });
}

it('A line of a rule is read with its chain, target and comment', () => {
  const read = readLine('-A OUTPUT -m comment --comment "say \\"hi\\" -j X" -j CULVERT_OUTBOUND');
  assert.equal(read?.chain, 'OUTPUT');
  assert.equal(read.target, 'CULVERT_OUTBOUND');
  assert.equal(read.comment, 'say "hi" -j X');
});

it('A line that is no rule is none', () => {
  for (const line of ['', 'COMMIT', '*nat', ':OUTPUT ACCEPT [0:0]', '-A', '# -A X']) {
    assert.equal(readLine(line), undefined, line);
  }
});
