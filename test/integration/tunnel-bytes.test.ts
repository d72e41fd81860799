import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seedOfRun } from '../support/random.ts';
import { TUNNEL_WAYS, sendByTunnels } from '../support/tunnel-bytes.ts';

const MIB = 2 ** 20;
const SEED = seedOfRun();

for (const way of TUNNEL_WAYS) {
  it(`bytes and half-closes arrive through ${way.name}, CULVERT_TEST_SEED=${SEED}`, async () => {
    const { problems, tunnels } = await sendByTunnels(way, 24 * MIB, SEED);
    assert.deepEqual(problems, []);
    assert.ok(tunnels > 0);
  });
}
