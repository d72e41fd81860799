import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withDeadline } from '../../test/support/deadline.ts';

const LAUNCHER = fileURLToPath(new URL('../../base/launch.mjs', import.meta.url));

/** An admin port that is ready when it is told to be, and remembers what it was asked to do. */
class Admin {
  ready = true;
  /** Ends connections that ask for more than whether it is ready. */
  deaf = false;
  readonly posts: string[] = [];
  /** Emits 'ask' after each question about readiness. */
  readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      if (request.method === 'POST') this.posts.push(request.url ?? '');
      if (this.deaf && request.url !== '/ready') {
        request.socket.destroy();
        return;
      }
      const well = request.url !== '/ready' || this.ready;
      response.writeHead(well ? 200 : 503).end(well ? 'ready\n' : 'not ready: starting\n');
      if (request.url === '/ready') this.server.emit('ask');
    });
  }

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** `meshctl await` as a process. */
class Await {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(admin: string, ...args: readonly string[]) {
    const env = { ...process.env, CULVERT_ADMIN: admin };
    const argv = [LAUNCHER, 'cli/main.ts', 'await', ...args];
    this.process = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  async says(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    const said = async (): Promise<void> => {
      while (!pattern.test(this[stream])) await once(this.process[stream]!, 'data');
    };
    await withDeadline(`${pattern} on ${stream}`, said(), 15_000);
  }

  async ended(): Promise<number | null> {
    const closed = once(this.process, 'close') as Promise<[number | null]>;
    const [code] = await withDeadline('meshctl await to end', closed, 15_000);
    return code;
  }

  [Symbol.dispose](): void {
    this.process.kill('SIGKILL');
  }
}

test('await runs the command with its streams and its exit code, then ends the sidecar', async () => {
  await using admin = await new Admin().listen();
  using run = new Await(admin.address, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3');
  assert.equal(await run.ended(), 3);
  assert.deepEqual([run.stdout, run.stderr, admin.posts], ['out\n', 'err\n', ['/shutdown']]);
});

test('await gives the command the flags behind it, with or without "--"', async () => {
  await using admin = await new Admin().listen();
  for (const separator of [['--'], []]) {
    using run = new Await(admin.address, ...separator, 'echo', '--timeout', '-o', 'x');
    assert.equal(await run.ended(), 0);
    assert.equal(run.stdout, '--timeout -o x\n');
  }
});

test('await does not run the command before the sidecar is ready, and says what it waits for', async () => {
  await using admin = await new Admin().listen();
  admin.ready = false;
  using run = new Await(admin.address, '--', 'echo', 'ran');
  await run.says('stderr', /^meshctl await: waiting for the sidecar at .*: not ready: starting\n$/);
  assert.equal(run.stdout, '');
  admin.ready = true;
  assert.equal(await run.ended(), 0);
  assert.equal(run.stdout, 'ran\n');
  assert.equal(run.stderr.split('\n').length, 2, 'the same reason is said once');
});

test('await gives up in time, says why, and has run nothing', async () => {
  using run = new Await('127.0.0.1:1', '--timeout', '1s', '--', 'echo', 'ran');
  assert.equal(await run.ended(), 1);
  assert.equal(run.stdout, '');
  assert.match(run.stderr, /meshctl: the sidecar at 127\.0\.0\.1:1 was not ready within 1 s/);
  assert.match(run.stderr, /nothing listens there/);
});

test('await that gives up ends the sidecar', async () => {
  await using admin = await new Admin().listen();
  admin.ready = false;
  using run = new Await(admin.address, '--timeout', '1s', '--', 'echo', 'ran');
  assert.equal(await run.ended(), 1);
  assert.deepEqual([run.stdout, admin.posts], ['', ['/shutdown']]);
  assert.match(run.stderr, /meshctl: the sidecar at .* was not ready within 1 s/);
});

test('await that is ended while it waits runs nothing', async () => {
  await using admin = await new Admin().listen();
  admin.ready = false;
  using run = new Await(admin.address, '--', 'echo', 'ran');
  await once(admin.server, 'ask');
  run.process.kill('SIGTERM');
  assert.equal(await run.ended(), 128 + constants.signals.SIGTERM);
  assert.deepEqual([run.stdout, admin.posts], ['', []]);
});

test('await passes signals on: the command decides what they do', async () => {
  await using admin = await new Admin().listen();
  const waits = 'i=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done';
  const script = `trap "echo heard; exit 5" TERM; echo up; ${waits}`;
  using run = new Await(admin.address, '--', 'sh', '-c', script);
  await run.says('stdout', /up/);
  run.process.kill('SIGTERM');
  assert.equal(await run.ended(), 5);
  assert.deepEqual([run.stdout, admin.posts], ['up\nheard\n', ['/shutdown']]);
});

test('await says that a signal ended the command as shells do', async () => {
  await using admin = await new Admin().listen();
  using run = new Await(admin.address, '--', 'sh', '-c', 'kill -KILL $$');
  assert.equal(await run.ended(), 128 + constants.signals.SIGKILL);
  assert.deepEqual(admin.posts, ['/shutdown']);
});

test('await of a program that is not there exits with 127 and ends the sidecar', async () => {
  for (const program of ['/no/such/program', 'no-such-program', '']) {
    await using admin = await new Admin().listen();
    using run = new Await(admin.address, '--', program);
    assert.equal(await run.ended(), 127);
    assert.equal(run.stderr, `meshctl await: there is no program "${program}"\n`);
    assert.deepEqual(admin.posts, ['/shutdown']);
  }
});

test('await of what cannot be run says why, exits with 126 and ends the sidecar', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-test-'));
  const noProgram = path.join(directory, 'no-program');
  writeFileSync(noProgram, 'nothing to run\n', { mode: 0o644 });
  try {
    for (const [program, why] of [
      [directory, 'it may not be executed'],
      [noProgram, 'it may not be executed'],
      [path.join(noProgram, 'x'), 'spawn ENOTDIR'],
    ] as const) {
      await using admin = await new Admin().listen();
      using run = new Await(admin.address, '--', program);
      assert.equal(await run.ended(), 126, program);
      assert.equal(run.stderr, `meshctl await: "${program}" cannot be run: ${why}\n`);
      assert.deepEqual(admin.posts, ['/shutdown']);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('await keeps the exit code when the sidecar is gone before it', async () => {
  await using admin = await new Admin().listen();
  admin.deaf = true;
  using run = new Await(admin.address, '--', 'sh', '-c', 'exit 4');
  assert.equal(await run.ended(), 4);
  assert.match(run.stderr, /^meshctl await: cannot reach the sidecar's admin port at /);
});

test('await without a command is a usage error', async () => {
  using run = new Await('127.0.0.1:1', '--');
  assert.equal(await run.ended(), 64);
  assert.match(run.stderr, /missing required argument 'command'/);
});
