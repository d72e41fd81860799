import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readClocks, readCores, spentBetween } from './readings.ts';

const STAT = `cpu  100 10 50 800 20 5 5 10 7 0
cpu0 60 10 30 400 10 5 5 10 7 0
cpu1 40 0 20 400 10 0 0 0 0 0
intr 12345
ctxt 99
`;

test('readCores reads the machine, then each core: guest time is not counted twice', () => {
  assert.deepEqual(readCores(STAT), [
    { all: 1_000, stolen: 10, busy: 170 },
    { all: 530, stolen: 10, busy: 110 },
    { all: 470, stolen: 0, busy: 60 },
  ]);
});

const core = (all: number, busy: number, stolen: number) => ({ all, busy, stolen });
const spent = (totalUs: number) => ({ pid: 7, userUs: totalUs - 5, sysUs: 5, totalUs });

test('spentBetween gives shares of the time between two readings', () => {
  const before = {
    processes: [spent(1_000)],
    machine: core(2_000, 500, 10),
    cores: [core(1_000, 250, 10), core(1_000, 250, 0)],
    own: { user: 10, system: 20 },
  };
  const after = {
    processes: [spent(4_000)],
    machine: core(2_400, 700, 30),
    cores: [core(1_200, 300, 30), core(1_200, 400, 0)],
    own: { user: 110, system: 70 },
  };
  assert.deepEqual(spentBetween(before, after), {
    cpu: [{ pid: 7, userUs: 3_000, sysUs: 0, totalUs: 3_000 }],
    generator: { userUs: 100, sysUs: 50 },
    steal: 0.05,
    busy: [0.25, 0.75],
  });
});

test('readClocks reads this process: its exact clock agrees with its ticks', () => {
  const before = readClocks([process.pid]);
  // Work until the clock itself says that enough was done.
  let after = before;
  while ((after.processes[0]?.totalUs ?? 0) - (before.processes[0]?.totalUs ?? 0) < 50_000) {
    after = readClocks([process.pid]);
  }
  const [own] = spentBetween(before, after).cpu;
  assert.ok(own !== undefined);
  const ticksUs = own.userUs + own.sysUs;
  // Each of the four ends is cut to a tick of 10 ms.
  assert.ok(Math.abs(ticksUs - own.totalUs) <= 40_000, JSON.stringify(own));
});

test('readClocks says which process is gone', () => {
  // Above the largest process id that Linux gives.
  assert.throws(() => readClocks([4_194_305]), /process 4194305, .* is gone/);
});
