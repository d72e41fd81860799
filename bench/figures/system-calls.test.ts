import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { SystemCallTrace, callsOf, missingTrace, parseSummary } from './system-calls.ts';

const SUMMARY = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.05    0.014310           7      2010           write
 38.95    0.009130          30       301        12 read
  0.00    0.000000           0         1           epoll_pwait2
------ ----------- ----------- --------- --------- ----------------
100.00    0.023440          10      2312        12 total
`;

describe('system calls', () => {
  it('parseSummary reads calls with and without errors, and not the total', () => {
    const calls = parseSummary(SUMMARY);
    assert.deepEqual(Object.fromEntries(calls), { write: 2010, read: 301, epoll_pwait2: 1 });
    assert.equal(callsOf(calls), 2312);
  });

  it('parseSummary of nothing is nothing', () => {
    assert.equal(callsOf(parseSummary('')), 0);
  });

  it(
    'SystemCallTrace counts what a process does, and lets it go',
    { skip: missingTrace() ?? false },
    async () => {
      const child = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
      try {
        const trace = await SystemCallTrace.attach([child.pid ?? 0]);
        for (let i = 0; i < 5; i++) {
          child.stdin.write('x');
          await once(child.stdout, 'data');
        }
        const calls = await trace.detach();
        assert.equal(calls.get('write'), 5);
        child.stdin.end('y');
        const [last] = (await once(child.stdout, 'data')) as [Buffer];
        assert.equal(last.toString(), 'y');
      } finally {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
    },
  );

  it('SystemCallTrace says what strace says', { skip: missingTrace() ?? false }, async () => {
    // The greatest number a process of Linux can have.
    await assert.rejects(
      SystemCallTrace.attach([4_194_304]),
      /No such process|Operation not permitted/,
    );
  });
});
