import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { childrenOf } from '../../test/support/namespaces.ts';
import { connectToDev } from './running-dev.ts';

const LAUNCHER = fileURLToPath(new URL('../../base/launch.mjs', import.meta.url));
const DEADLINE_MS = 20_000;
const FREE = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
  flag,
  '127.0.0.1:0',
]);

const directory = mkdtempSync(path.join(tmpdir(), 'culvert-local-mesh-'));
after(() => rmSync(directory, { recursive: true }));
const manifest = path.join(directory, 'm.yaml');
writeFileSync(
  manifest,
  `kind: Deployment
metadata: { name: worker }
spec: { template: { spec: { containers: [{ command: [sleep, '1000'] }] } } }
`,
);
const argv = [LAUNCHER, 'cli/main.ts', 'dev', '-o', 'json', '-f', manifest, ...FREE];

interface ReadyLine {
  readonly stateDirectory: string;
  readonly controller: { readonly pid: number };
  readonly pods: readonly { readonly applicationPid: number }[];
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('dev that cannot create its state directory says so, and ends', async () => {
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; stderr: string }>();
  const env = { ...process.env, TMPDIR: path.join(directory, 'nowhere') };
  execFile(process.execPath, argv, { env, timeout: DEADLINE_MS }, (error, _, stderr) =>
    resolve({ code: error?.code, stderr }),
  );
  const { code, stderr } = await promise;
  assert.equal(code, 1);
  assert.match(stderr, /\nmeshctl: cannot keep the mesh's state in .*: ENOENT.*; let TMPDIR name/);
});

test('dev whose state directory is gone outlives that, and ends everything on Ctrl-C', async () => {
  const dev = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let said = '';
    dev.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const stdout = createInterface({ input: dev.stdout });
    const [line] = (await once(stdout, 'line', { signal })) as [string];
    const { stateDirectory, controller, pods } = JSON.parse(line) as ReadyLine;
    rmSync(stateDirectory, { recursive: true });
    const pids = [controller.pid, ...pods.map(({ applicationPid }) => applicationPid)];
    assert.ok(pids.length === 2 && pids.every(isAlive));
    // The pod is no longer ready, which is to be written down, and starts again.
    process.kill(pids[1] ?? 0, 'SIGKILL');
    while (!/cannot keep the mesh's state in .*: ENOENT/.test(said)) {
      await once(dev.stderr, 'data', { signal });
    }
    dev.kill('SIGINT');
    assert.deepEqual(await once(dev, 'exit', { signal }), [0, null]);
    assert.equal(pids.some(isAlive), false);
    assert.equal(existsSync(stateDirectory), false);
  } finally {
    dev.kill('SIGKILL');
  }
});

test('dev shows what the controller thinks of the manifest, also what it says before it is ready', async () => {
  const file = path.join(directory, 'refused.yaml');
  writeFileSync(
    file,
    `apiVersion: v1
kind: Service
metadata: { name: cache, annotations: { config.culvert.dev/opaque-ports: "6379;" } }
spec: { ports: [{ port: 6379 }] }
`,
  );
  const dev = spawn(process.execPath, [...argv, '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let said = '';
    dev.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const signal = AbortSignal.timeout(DEADLINE_MS);
    while (!/^\[controller\] .*refused.yaml:3: .*opaque-ports: must be a list/m.test(said)) {
      await once(dev.stderr, 'data', { signal });
    }
    dev.kill('SIGINT');
    assert.deepEqual(await once(dev, 'exit', { signal }), [0, null]);
  } finally {
    dev.kill('SIGKILL');
  }
});

/** Starts it, has `use` see its ready line, ends it with Ctrl-C; resolves to what it said. */
async function runThrough(tmp: string, use: (stateDirectory: string) => unknown): Promise<string> {
  const env = { ...process.env, TMPDIR: tmp };
  const dev = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let said = '';
    dev.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const [line] = (await once(createInterface({ input: dev.stdout }), 'line', { signal })) as [
      string,
    ];
    await use((JSON.parse(line) as { stateDirectory: string }).stateDirectory);
    dev.kill('SIGINT');
    assert.deepEqual(await once(dev, 'exit', { signal }), [0, null]);
    return said;
  } finally {
    dev.kill('SIGKILL');
  }
}

test(
  'dev removes the state that a run left when it was killed together with its guardian',
  { skip: process.platform !== 'linux' && 'only Linux says whose the state is' },
  async (t) => {
    const env = { ...process.env, TMPDIR: directory };
    const dev = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => dev.kill('SIGKILL'));
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const [line] = (await once(createInterface({ input: dev.stdout }), 'line', { signal })) as [
      string,
    ];
    const { controller, pods, stateDirectory } = JSON.parse(line) as ReadyLine;
    const livingPids = [controller.pid, ...pods.map(({ applicationPid }) => applicationPid)];
    const others = childrenOf(dev.pid ?? 0).filter((pid) => !livingPids.includes(pid));
    assert.equal(others.length, 1, 'the guardian');
    // Stopped, so that it ends nothing when that is gone.
    dev.kill('SIGSTOP');
    for (const pid of others) process.kill(pid, 'SIGKILL');
    dev.kill('SIGKILL');
    await once(dev, 'exit', { signal });
    for (const pid of livingPids) process.kill(pid, 'SIGKILL');
    assert.ok(existsSync(stateDirectory));
    const said = await runThrough(directory, () => assert.ok(!existsSync(stateDirectory)));
    assert.match(said, new RegExp(`^removed ${stateDirectory},`, 'm'));
  },
);

test('dev ends on Ctrl-C though somebody holds its control socket', async (t) => {
  await runThrough(directory, async (stateDirectory) => {
    const holder = await connectToDev(stateDirectory);
    t.after(() => holder.destroy());
  });
});

test('dev runs where its path is too long for a control socket, and says so', async () => {
  const long = path.join(directory, 'x'.repeat(120));
  mkdirSync(long);
  const said = await runThrough(long, (stateDirectory) => assert.ok(existsSync(stateDirectory)));
  assert.match(said, /^"meshctl dev restart" cannot reach this mesh: listen EINVAL/m);
});
