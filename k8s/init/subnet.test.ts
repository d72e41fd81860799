import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatSubnet, parseSubnet, parseSubnets } from './subnet.ts';

const plain = (text: string): string | undefined => {
  const subnet = parseSubnet(text);
  return subnet && formatSubnet(subnet);
};

const spellings: readonly (readonly [text: string, plain: string | undefined])[] = [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['255.255.255.255/1', '128.0.0.0/1'],
  ['::1', '::1/128'],
  ['FD00:0:0:0:0:0:0:1/8', 'fd00::/8'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
  ['2001:db8::', '2001:db8::/128'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
  ['::/1', '::/1'],
  [' fe80::/10 ', 'fe80::/10'],
  ['0.0.0.0/0', undefined],
  ['::/0', undefined],
  ['10.0.0.0/33', undefined],
  ['::1/129', undefined],
  ['10.0.0.256', undefined],
  ['10.0.0', undefined],
  ['fe80::1%eth0', undefined],
  ['web', undefined],
  ['', undefined],
  ['10.0.0.0/', undefined],
  ['10.0.0.0/8/8', undefined],
];

for (const [text, expected] of spellings) {
  it(`Subnet reads ${JSON.stringify(text)} as ${expected ?? 'none'}`, () => {
    assert.equal(plain(text), expected);
  });
}

it('A list of subnets is whole or none', () => {
  assert.deepEqual(parseSubnets('10.0.0.0/8, ::1')?.map(formatSubnet), ['10.0.0.0/8', '::1/128']);
  assert.deepEqual(parseSubnets(' '), []);
  assert.equal(parseSubnets('10.0.0.0/8,'), undefined);
});
