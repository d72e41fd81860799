import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GRPCS, withoutGrpcio } from '../support/grpc-peers.ts';
import { ageUnderLoad, restartUnderLoad } from '../support/grpc-restart.ts';

/** More than the three replicas need where no connection ends. */
const CONNECTIONS_MIN = 6;
const AGING_MS = 5_000;
const CALLS_MIN = 200;

it('a rolling restart of a gRPC service fails no unary call, and no stream of another server', async () => {
  const { calls, connections, cut, problems, restarts } = await restartUnderLoad(1);
  assert.deepEqual(problems, []);
  assert.equal(restarts, 3);
  assert.ok(calls > CALLS_MIN, `${calls} calls`);
  assert.ok(cut > 0, 'no stream was cut: the servers waited for them');
  assert.ok(connections >= CONNECTIONS_MIN, `${connections} connections`);
});

for (const kind of GRPCS) {
  const skip = kind === 'core' ? withoutGrpcio() : false;
  it(`servers of ${kind} that end connections by their age fail no call`, { skip }, async () => {
    const { calls, connections, cut, problems } = await ageUnderLoad(kind, AGING_MS);
    assert.deepEqual([problems, cut], [[], 0]);
    assert.ok(calls > CALLS_MIN, `${calls} calls`);
    assert.ok(connections >= CONNECTIONS_MIN, `${connections} connections`);
  });
}
