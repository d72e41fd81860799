import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { cpuUsOf, scheduledUs } from './cpu.ts';
import { MemorySampler, kilobytes, memoryOf } from './memory.ts';
import { parseProcessStat, processStat, processesOfGroup } from './process-stat.ts';

const LINE =
  '42 (a) b (c) S 7 42 7 0 -1 4194304 146 102 0 0 42 2 9 9 20 0 1 0 1249976 62046208 14849 1';

function spin(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) Math.sqrt(2);
}

describe('readings of /proc', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  it('parseProcessStat reads a name with spaces and parentheses', () => {
    const expected = { pid: 42, state: 'S', parent: 7, group: 42, userTicks: 42, sysTicks: 2 };
    assert.deepEqual(parseProcessStat(LINE), expected);
  });

  it('parseProcessStat refuses another text', () => {
    for (const text of ['', '42 a S 7', '42 (a) S 7 42']) {
      assert.throws(() => parseProcessStat(text), /not a line/);
    }
  });

  it('processStat of an ended process is undefined', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(child, 'exit');
    assert.equal(processStat(child.pid ?? 0), undefined);
    assert.throws(() => cpuUsOf([child.pid ?? 0]), /is gone/);
    assert.throws(() => memoryOf([child.pid ?? 0]));
  });

  it('processesOfGroup finds a leader and its children, the leader first', async () => {
    const child = spawn('sh', ['-c', 'tail -f /dev/null & echo; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      const group = processesOfGroup(child.pid ?? 0);
      assert.equal(group[0], child.pid);
      assert.equal(group.length, 2);
    } finally {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await once(child, 'close');
    }
    assert.deepEqual(processesOfGroup(child.pid ?? 0), []);
  });

  it('cpuUsOf agrees with what a process says of itself', () => {
    const [before, ownBefore] = [cpuUsOf([process.pid]), process.cpuUsage()];
    spin(30);
    const own = process.cpuUsage(ownBefore);
    const spentUs = cpuUsOf([process.pid]) - before;
    // 10 ms: the grain of ticks, where the kernel does not count nanoseconds.
    assert.ok(Math.abs(spentUs - own.user - own.system) <= 12_000, `${spentUs} us`);
    assert.equal(scheduledUs('450894537 59801 5\n'), 450_894.537);
  });

  it('memoryOf agrees with what a process says of itself', () => {
    const { pssKb, rssAnonKb, rssKb } = memoryOf([process.pid]);
    const ownKb = process.memoryUsage.rss() / 1_024;
    assert.ok(Math.abs(rssKb - ownKb) < 8_192, `${rssKb} kB, ${ownKb} kB`);
    assert.ok(rssAnonKb > 0 && rssAnonKb < rssKb);
    assert.ok(pssKb > 0 && pssKb <= rssKb + 8_192);
    assert.deepEqual(memoryOf([]), { rssKb: 0, rssAnonKb: 0, pssKb: 0 });
  });

  it('kilobytes says NaN for a line that is not there', () => {
    assert.equal(kilobytes('VmRSS:\t   123 kB\nRssAnon:\t 7 kB\n', 'RssAnon'), 7);
    assert.ok(Number.isNaN(kilobytes('VmRSS:\t 1 kB\n', 'Pss')));
  });

  it('MemorySampler keeps what it saw of a process that ended', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
    await once(child, 'spawn');
    const sampler = new MemorySampler([child.pid ?? 0], 60_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const points = sampler.stop();
    assert.equal(points.length, 1);
    assert.ok((points[0]?.rssKb ?? 0) > 0);
  });
});
