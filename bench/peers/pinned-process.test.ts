import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { eventually } from '../../test/support/deadline.ts';
import { processStat } from '../figures/process-stat.ts';
import { PinnedProcess } from './pinned-process.ts';
import { missingProgram } from './program.ts';

const isRunning = (pid: number): boolean => (processStat(pid)?.state ?? 'Z') !== 'Z';

/** Two processes in a group; the second ends only when it is told to. */
const PAIR = ['-c', 'tail -f /dev/null & echo ready; wait'];

const pair = (): PinnedProcess =>
  new PinnedProcess({ program: 'sh', args: PAIR, cores: '0', stopSignal: 'SIGTERM' });

const started = (one: PinnedProcess): Promise<number> =>
  one.untilReady(() => one.firstLine === 'ready' && one.pids.length === 2, 5_000);

describe('PinnedProcess', { skip: missingProgram() ?? false }, () => {
  it('is on its cores, and ends with all its processes', async () => {
    const one = pair();
    assert.ok((await started(one)) > 0);
    const { pids } = one;
    for (const pid of pids) {
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Cpus_allowed_list:\s+0$/m);
    }
    await one.stop();
    await one.stop();
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(one.pids, []);
  });

  it('says what a program wrote that ends too early', async () => {
    const args = ['-c', 'echo because >&2; exit 3'];
    const one = new PinnedProcess({ program: 'sh', args, cores: '0', stopSignal: 'SIGTERM' });
    const ready = one.untilReady(() => false, 5_000);
    await assert.rejects(ready, /exited with 3 before it was ready\n[^]*because/);
    await one.stop();
  });

  it('says when a program is not ready in time', async () => {
    const one = pair();
    await assert.rejects(
      one.untilReady(() => false, 1),
      /was not ready within 1 ms/,
    );
    await one.stop();
  });

  it('says which program there is not', async () => {
    const program = '/nowhere/at-all';
    const one = new PinnedProcess({ program, args: [], cores: '0', stopSignal: 'SIGTERM' });
    await assert.rejects(
      one.untilReady(() => false, 5_000),
      /\/nowhere\/at-all/,
    );
    await one.stop();
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const) {
    it(`ends when its parent gets ${signal}`, async () => {
      const directory = mkdtempSync(path.join(tmpdir(), 'culvert-parent-'));
      const file = path.join(directory, 'parent.ts');
      writeFileSync(file, parentProgram());
      const parent = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = { pids: [] as readonly number[], directory };
      try {
        const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
        said = JSON.parse(chunk.toString()) as typeof said;
        assert.ok(said.pids.length > 0 && said.pids.every(isRunning));
        parent.kill(signal);
        await once(parent, 'close');
        await eventually('its children to end', () => !said.pids.some(isRunning));
        // Nobody is left to remove it after SIGKILL.
        assert.equal(existsSync(said.directory), signal === 'SIGKILL');
      } finally {
        parent.kill('SIGKILL');
        for (const pid of said.pids.filter(isRunning)) process.kill(pid, 'SIGKILL');
        for (const each of [said.directory, directory]) {
          rmSync(each, { recursive: true, force: true });
        }
      }
    });
  }
});

const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** A program that runs `tail` with a scratch, says so, and does nothing more. */
function parentProgram(): string {
  return `import { PinnedProcess } from ${url('pinned-process.ts')};
import { Scratch } from ${url('scratch.ts')};
const { directory } = new Scratch('parent');
const args = ['-c', 'echo ready; exec tail -f /dev/null'];
const one = new PinnedProcess({ program: 'sh', args, cores: '0', stopSignal: 'SIGTERM' });
await one.untilReady(() => one.firstLine === 'ready', 5_000);
console.log(JSON.stringify({ pids: one.pids, directory }));
setInterval(() => {}, 1_000);
`;
}
