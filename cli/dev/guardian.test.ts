import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { Child, describeExit } from './child.ts';
import { baseEnvironment } from './environment.ts';
import { Guardian } from './guardian.ts';

const newDirectory = (): string => mkdtempSync(path.join(tmpdir(), 'culvert-guardian-'));
const environment = baseEnvironment('/', process.env);

/** Whether the process exists and is no zombie. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = existsSync('/proc/self') ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return !/^\d+ \(.*\) Z/.test(stat);
  } catch {
    return false;
  }
}

/** Polls until `condition` holds; fails with `what` after ten seconds. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 500, `not within 10 s: ${what}`);
    await delay(20);
  }
}

/** Stands for `dev`: starts a guardian and children, prints their ids, waits to be killed. */
const PARENT = `
const { Guardian } = await import(process.env.GUARDIAN);
const { Child } = await import(process.env.CHILD);
const guardian = new Guardian(process.env.STATE);
const start = (script) => new Child(
  { argv: ['sh', '-c', script], directory: '/', environment: process.env }, guardian,
  (stream, line) => console.log(line));
start('echo child $$; exec sleep 1000');
start('trap "" TERM; echo child $$; sleep 1000 & echo child $!; wait; sleep 1000');
setInterval(() => {}, 1000);
`;

test('guardian ends every child and the state when its parent is killed', async () => {
  const state = newDirectory();
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    env: {
      ...process.env,
      STATE: state,
      GUARDIAN: new URL('guardian.ts', import.meta.url).href,
      CHILD: new URL('child.ts', import.meta.url).href,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids: number[] = [];
  createInterface({ input: parent.stdout }).on('line', (line) => {
    pids.push(Number(line.split(' ')[1]));
  });
  await until(() => pids.length === 3, 'three processes announce themselves');
  assert.ok(pids.every(isAlive));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until(() => !pids.some(isAlive), 'no process is left');
  await until(() => !existsSync(state), 'the state directory is gone');
});

test('guardian whose children have ended removes the state and ends', async () => {
  const state = newDirectory();
  const guardian = new Guardian(state);
  const lines: string[] = [];
  const program = { argv: ['sh', '-c', 'echo $HOST; exit 3'], directory: '/' };
  const child = new Child(
    { ...program, environment: { ...environment, HOST: 'here' } },
    guardian,
    (stream, line) => lines.push(`${stream} ${line}`),
  );
  assert.equal(describeExit(await child.exited), 'exited with code 3');
  await guardian.close();
  assert.deepEqual(lines, ['stdout here']);
  assert.equal(existsSync(state), false);
});

test('Child that cannot start ends with 127 and a reason', async () => {
  const guardian = new Guardian(newDirectory());
  const lines: string[] = [];
  const start = (argv: readonly string[], directory: string): Child =>
    new Child({ argv, directory, environment }, guardian, (_, line) => lines.push(line));
  assert.equal((await start(['no-such-program'], '/').exited).code, 127);
  assert.match(lines.join('\n'), /no-such-program/);
  const nowhere = start(['true'], '/no/such/directory');
  assert.equal((await nowhere.exited).code, 127);
  const reason = 'cannot start in /no/such/directory: there is no such directory';
  assert.equal(lines.at(-1), reason);
  assert.deepEqual(nowhere.stderrTail, [reason]);
  await guardian.close();
});

test('Child takes the rest of its process group with it', async () => {
  const guardian = new Guardian(newDirectory());
  const lines: string[] = [];
  const argv = ['sh', '-c', 'sleep 1000 & echo $!'];
  const child = new Child({ argv, directory: '/', environment }, guardian, (_, line) =>
    lines.push(line),
  );
  await child.exited;
  await until(() => !isAlive(Number(lines[0])), 'what it started is gone');
  await guardian.close();
});

test('guardian ends what is still registered when it is closed', async () => {
  const guardian = new Guardian(newDirectory());
  const argv = ['sh', '-c', 'echo up; exec sleep 1000'];
  const lines: string[] = [];
  const child = new Child({ argv, directory: '/', environment }, guardian, (_, line) =>
    lines.push(line),
  );
  await until(() => lines.length === 1, 'it is up');
  await guardian.close();
  assert.deepEqual(await child.exited, { code: undefined, signal: 'SIGTERM' });
});

test('guardian runs its last script when all that it guards is gone, and holds on until then', async () => {
  const state = newDirectory();
  const seen = path.join(newDirectory(), 'seen');
  const lastScript = path.join(path.dirname(seen), 'last.sh');
  const held = path.join(path.dirname(seen), 'held');
  writeFileSync(held, 'held\n');
  const descriptor = openSync(held, 'r');
  // What it holds is its fourth descriptor, and open when the script reads from it.
  writeFileSync(
    lastScript,
    `cat <&3 >"${seen}"; kill -s 0 -- "-$(cat "${seen}.pid")" 2>/dev/null || echo gone >>"${seen}"\n`,
  );
  const guardian = new Guardian(state, { lastScript, hold: descriptor });
  closeSync(descriptor);
  const child = new Child(
    { argv: ['sleep', '1000'], directory: '/', environment },
    guardian,
    () => {},
  );
  writeFileSync(`${seen}.pid`, String(child.pid));
  await guardian.close();
  assert.equal(readFileSync(seen, 'utf8'), 'held\ngone\n');
  assert.equal(existsSync(state), false);
  await child.exited;
  rmSync(path.dirname(seen), { recursive: true });
});
