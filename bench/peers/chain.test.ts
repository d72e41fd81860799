import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHops } from './chain.ts';
import type { Arm, Topology } from './peer.ts';

const address = (port: number) => ({ host: '127.0.0.1', port });

/** Starts instances that only note what they were asked for; the last may not start. */
class Instances {
  readonly asked: Topology[] = [];
  readonly stopped: number[] = [];
  readonly #failAt: number;

  constructor(failAt = Infinity) {
    this.#failAt = failAt;
  }

  start = async (topology: Topology): Promise<Arm> => {
    const number = this.asked.push(topology);
    if (number === this.#failAt) throw new Error('no');
    return {
      name: 'one',
      address: address(number),
      pids: [number],
      readyMs: number === 2 ? 50 : number,
      admins: [address(100 + number)],
      stop: async () => void this.stopped.push(number),
    };
  };
}

const PAIR: Topology = {
  direction: 'outbound',
  backends: [address(80), address(81)],
  authority: 'web',
  threads: 1,
  hops: 2,
};

test('startHops puts an inbound instance before each backend, an outbound one before them', async () => {
  const instances = new Instances();
  const arm = await startHops(PAIR, instances.start);
  const asked = instances.asked.map(({ backends, direction, hops }) => [
    direction,
    hops,
    ...backends.map(({ port }) => port),
  ]);
  assert.deepEqual(asked, [
    ['inbound', 1, 80],
    ['inbound', 1, 81],
    ['outbound', 1, 1, 2],
  ]);
  assert.deepEqual(arm.address, address(3));
  assert.deepEqual(new Set(arm.pids), new Set([1, 2, 3]));
  assert.deepEqual(arm.admins[0], address(103));
  assert.equal(arm.readyMs, 50);
  await arm.stop();
  assert.deepEqual(new Set(instances.stopped), new Set([1, 2, 3]));
});

test('startHops stops what runs when the next instance does not start', async () => {
  const instances = new Instances(3);
  await assert.rejects(startHops(PAIR, instances.start), /^Error: no$/);
  assert.deepEqual(new Set(instances.stopped), new Set([1, 2]));
});

/** What the instances of a pair before one backend were told of either side. */
const spoken = async (changes: Partial<Topology>): Promise<unknown[]> => {
  const instances = new Instances();
  await startHops({ ...PAIR, backends: [address(80)], ...changes }, instances.start);
  return instances.asked.map((one) => [one.direction, one.protocol, one.backendProtocol]);
};

test('startHops tells each instance what is spoken on either side of it', async () => {
  assert.deepEqual(await spoken({ betweenProtocol: 'http2' }), [
    ['inbound', 'http2', 'http1'],
    ['outbound', undefined, 'http2'],
  ]);
  assert.deepEqual(await spoken({ protocol: 'http2' }), [
    ['inbound', 'http2', 'http2'],
    ['outbound', 'http2', 'http2'],
  ]);
  assert.deepEqual(await spoken({}), [
    ['inbound', 'http1', 'http1'],
    ['outbound', undefined, 'http1'],
  ]);
});
