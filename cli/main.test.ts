import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  ListEndpointsResponse,
  MeshService,
  PodSummary,
  StatRow,
} from '../api/gen/culvert/mesh/v1/mesh.ts';
import type { MeshServer, StatSummaryRequest } from '../api/gen/culvert/mesh/v1/mesh.ts';
import { exitCodeOf } from '../test/support/exit-code.ts';

const LAUNCHER = fileURLToPath(new URL('../base/launch.mjs', import.meta.url));

/** A mesh API that remembers what it was asked. */
const server = new Server();
const asked: StatSummaryRequest[] = [];
let address = '';

const mesh: MeshServer = {
  version: (_, done) => done(null, { version: '0.1.0', runtime: 'Node.js 26', startedAtUs: 1 }),
  selfCheck: (_, done) => done(null, { results: [] }),
  listPods: (_, done) => {
    const pod = { namespace: 'demo', name: 'web-1', meshed: true, adminAddress: '127.0.0.1:1' };
    done(null, { pods: [PodSummary.fromPartial(pod)] });
  },
  listEndpoints: ({ request: { authority } }, done) => {
    if (authority === 'nosuch:80') {
      done({ code: status.NOT_FOUND, details: 'no Service "nosuch" in namespace "demo"' });
      return;
    }
    const endpoints = [
      { address: '10.0.0.1:80', ready: true, meshed: true, protocol: 'http2', namespace: 'demo' },
      { address: '10.0.0.2:80', terminating: true },
    ];
    const answer = { authority: 'web.demo:80', service: 'web', namespace: 'demo', port: 80 };
    done(null, ListEndpointsResponse.fromPartial({ ...answer, endpoints }));
  },
  statSummary: ({ request }, done) => {
    asked.push(request);
    if (request.windowSeconds === 61) {
      done({ code: status.INVALID_ARGUMENT, details: 'no such window' });
      return;
    }
    if (request.resource?.name === 'nosuch') {
      done({ code: status.NOT_FOUND, details: 'no deployment "nosuch" in namespace "default"' });
      return;
    }
    const row = StatRow.fromPartial({ namespace: 'demo', name: 'web', success: 3, rps: 0.3 });
    done(null, { rows: [row], windowSeconds: 10 });
  },
};

before(async () => {
  server.addService(MeshService, mesh);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
});
after(() => server.forceShutdown());

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function meshctl(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<Outcome>((resolve) => {
    execFile(
      process.execPath,
      [LAUNCHER, 'cli/main.ts', ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: exitCodeOf(error), stdout, stderr }),
    );
  });
}

/** A port that refuses connections: 1 is nobody's. */
const NOBODY = '127.0.0.1:1';

test('meshctl stat asks the API and prints its rows', async () => {
  const { code, stdout } = await meshctl(['stat', 'deploy', '-A', '-t', '5m', '--api', address]);
  assert.equal(code, 0);
  assert.match(stdout, /^NAMESPACE +NAME +SUCCESS[^]*demo +web +100\.00% +0\.3/);
  assert.equal(asked.at(-1)?.windowSeconds, 300);
});

test('meshctl finds the API by CULVERT_API', async () => {
  const { code, stdout } = await meshctl(['stat', 'ns', '-o', 'json'], { CULVERT_API: address });
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as { name: string }[])[0]?.name, 'web');
});

test('meshctl whose reader has seen enough ends quietly', async () => {
  const argv = [LAUNCHER, 'cli/main.ts', 'stat', 'deploy', '-w', '--api', address];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    assert.deepEqual(await once(child, 'close'), [0, null]);
    assert.equal(stderr, '');
  } finally {
    child.kill('SIGKILL');
  }
});

test('meshctl stat -w ends on Ctrl-C and exits 0, on a terminal with the screen as it was', async (t) => {
  if (spawnSync('script', ['--version']).error !== undefined) {
    t.skip('script, of the package bsdutils or util-linux, is not installed');
    return;
  }
  const watch = `exec '${process.execPath}' '${LAUNCHER}' cli/main.ts stat deploy -w --api ${address}`;
  const child = spawn('script', ['-qefc', watch, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  try {
    let shown = '';
    let interrupted = false;
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      const frames = shown.split('\u001B[H').length - 1;
      if (frames < 2 || interrupted) return;
      interrupted = true;
      child.stdin.write('\u0003');
    });
    assert.deepEqual(await once(child, 'close'), [0, null]);
    const [before, ...frames] = shown.split('\u001B[H');
    assert.equal(before, '\u001B[?1049h\u001B[?25l');
    for (const frame of frames) assert.match(frame, /^NAME .*\r\nweb /);
    assert.ok(shown.endsWith('\u001B[?25h\u001B[?1049l'), shown);
  } finally {
    child.kill('SIGKILL');
  }
});

test('meshctl version prints both versions', async () => {
  const { code, stdout } = await meshctl(['version', '--api', address]);
  assert.equal(code, 0);
  assert.match(stdout, /^Client version: \d+\.\d+\.\d+ .*\nServer version: 0\.1\.0 /);
});

test('meshctl version without a server prints its own and exits 1', async () => {
  const { code, stdout, stderr } = await meshctl(['version', '--api', NOBODY]);
  assert.equal(code, 1);
  assert.match(stdout, /^Client version: /);
  assert.match(stderr, /^meshctl: cannot reach the mesh API at 127\.0\.0\.1:1: nothing listens/);
  assert.equal(stderr.split('\n').length, 2);
});

test('meshctl version --client asks nobody', async () => {
  const { code, stdout } = await meshctl(['version', '--client', '-o', 'json', '--api', NOBODY]);
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['client']);
});

test('meshctl diagnostics endpoints says what the controller tells of an authority', async () => {
  const args = ['diagnostics', 'endpoints', 'web', '--api', address];
  const { code, stdout } = await meshctl(args);
  assert.equal(code, 0);
  assert.match(stdout, /^web\.demo:80: 1 of 2 endpoints ready\n\nENDPOINT +STATE +MESHED/);
  assert.match(stdout, /\n10\.0\.0\.1:80 +ready +yes +http2\n/);
  assert.match(stdout, /\n10\.0\.0\.2:80 +terminating +no +-\n$/);
  const json = JSON.parse((await meshctl([...args, '-o', 'json'])).stdout) as { total: number };
  assert.equal(json.total, 2);
});

test('meshctl diagnostics endpoints of what is no service says why, and exits 1', async () => {
  const { code, stderr } = await meshctl([
    'diagnostics',
    'endpoints',
    'nosuch:80',
    '--api',
    address,
  ]);
  assert.deepEqual([code, stderr], [1, 'meshctl: no Service "nosuch" in namespace "demo"\n']);
});

test('meshctl diagnostics proxy asks the admin port that the pod names', async () => {
  const { code, stderr } = await meshctl([
    'diagnostics',
    'proxy',
    'web-1',
    '-n',
    'demo',
    '--api',
    address,
  ]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^meshctl: cannot reach the sidecar's admin port at 127\.0\.0\.1:1: nothing/,
  );
});

test('meshctl diagnostics proxy of no pod says so, and without a name is a usage error', async () => {
  const missing = await meshctl(['diagnostics', 'proxy', 'x', '-n', 'demo', '--api', address]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^meshctl: no pod "x" in namespace "demo";/);
  const unnamed = await meshctl(['diagnostics', 'proxy', '--api', address]);
  assert.equal(unnamed.code, 64);
});

test('meshctl check exits 2 when it finds problems', async () => {
  const { code, stdout } = await meshctl(['check', '--api', NOBODY]);
  assert.equal(code, 2);
  assert.match(stdout, /failed +the mesh API answers/);
  assert.match(stdout, /hint: start a mesh/);
});

test("meshctl says the API's refusal in one sentence and exits 1", async () => {
  const { code, stderr } = await meshctl(['stat', 'po', '-t', '61s', '--api', address]);
  assert.equal(code, 1);
  assert.match(stderr, /^meshctl: the mesh API at .* refused the call: no such window\n$/);
});

test('meshctl stat of a resource that is not there says so and exits 1', async () => {
  for (const output of ['table', 'json']) {
    const args = ['stat', 'deploy', 'nosuch', '-o', output, '--api', address];
    const { code, stdout, stderr } = await meshctl(args);
    assert.deepEqual(
      [code, stdout, stderr],
      [1, '', 'meshctl: no deployment "nosuch" in namespace "default"\n'],
    );
  }
});

const misuses: readonly (readonly string[])[] = [
  [],
  ['frobnicate'],
  ['stat'],
  ['stat', 'cronjob'],
  ['stat', 'po', '-t', '5s'],
  ['stat', 'po', '-o', 'xml'],
  ['stat', 'po', '--api', 'nowhere'],
  ['stat', 'po', '--from', 'deploy/a'],
  ['stat', 'deploy', '--to', 'po/a'],
  ['stat', 'deploy', '-w', '--interval', '0s'],
  ['completion'],
  ['completion', 'tcsh'],
  ['stat', 'po', 'a', 'b'],
  ['dev', '--network', 'moon'],
];

test('meshctl exits 64 on wrong usage', async () => {
  for (const args of misuses) {
    const { code, stdout, stderr } = await meshctl(args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
  }
});

test('meshctl --help exits 0', async () => {
  const { code, stdout } = await meshctl(['stat', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /Usage: meshctl stat/);
});

test('meshctl dev says that its port is taken', async () => {
  const { code, stderr } = await meshctl(['dev', '--api', address]);
  assert.equal(code, 1);
  assert.match(stderr, /^meshctl: 127\.0\.0\.1:\d+ is taken.* choose another .* --api 127/);
});

test('meshctl dev lists what is wrong with its manifest', async () => {
  const { code, stderr } = await meshctl(['dev', '-f', '/nowhere/at-all.yaml']);
  assert.equal(code, 1);
  assert.match(stderr, /^meshctl: cannot read the manifest: .*at-all\.yaml.* -f FILE\n$/);
});
