/** Ctrl-C while the network of namespaces is being made: it is heard at once, and nothing is left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findSystemProgram } from '../../k8s/init/runner.ts';
import { withDeadline } from '../support/deadline.ts';
import { NETNS, untilNothingIsLeft, withoutNamespaces } from '../support/namespaces.ts';

const skip = withoutNamespaces();
const LAUNCHER = fileURLToPath(new URL('../../base/launch.mjs', import.meta.url));
/** Less than the trial of a sidecar takes here, see below. */
const EXIT_MS = 20_000;

const ONE_POD = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ command: [sleep, '1000'] }] }
`;

/** Stands in for `program` and writes down how it was run; like `at` it is Ctrl-C first, then `before`. */
const interrupting = (program: string, at: string, log: string, before = ':'): string => `#!/bin/sh
echo "${program} $*" >>"${log}"
case "${program} $*" in
  ${at.replaceAll(' ', '\\ ')})
    kill -INT $PPID
    ${before}
    ;;
esac
exec "${findSystemProgram(program)}" "$@"
`;

interface Interrupted {
  readonly code: number | null;
  readonly said: string;
  /** Lines of program and arguments, from the one at which it was interrupted. */
  readonly ranSince: readonly string[];
}

/** Starts a mesh that is interrupted in the middle of the program that `at` describes, for `case` of sh. */
async function interrupted(t: TestContext, at: string): Promise<Interrupted> {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const manifest = path.join(directory, 'pod.yaml');
  writeFileSync(manifest, ONE_POD);
  const programs = path.join(directory, 'programs');
  writeFileSync(path.join(directory, 'ip'), interrupting('ip', at, programs), { mode: 0o755 });
  // The trial of a sidecar, which hangs.
  const hang = interrupting('unshare', at, programs, 'exec sleep 1000');
  writeFileSync(path.join(directory, 'unshare'), hang, { mode: 0o755 });
  const flags = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
    flag,
    '127.0.0.1:0',
  ]);
  const env = { ...process.env, PATH: `${directory}${path.delimiter}${process.env['PATH']}` };
  const argv = [LAUNCHER, 'cli/main.ts', 'dev', ...NETNS, ...flags, '-f', manifest];
  const dev = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => dev.kill('SIGKILL'));
  let said = '';
  const hear = (chunk: Buffer): void => void (said += chunk.toString());
  dev.stdout.on('data', hear);
  dev.stderr.on('data', hear);
  const closed = once(dev, 'close') as Promise<[number | null]>;
  const [code] = await withDeadline('dev to end', closed, EXIT_MS);
  await untilNothingIsLeft([]);
  const ran = readFileSync(programs, 'utf8').trim().split('\n');
  const like = new RegExp(`^${at.replaceAll('*', '.*')}$`);
  return { code, said, ranSince: ran.slice(ran.findIndex((line) => like.test(line))) };
}

it(
  'Start that is interrupted while a sidecar is tried waits for that no longer',
  { skip },
  async (t) => {
    const { code, said } = await interrupted(t, 'unshare *');
    assert.match(said, /^stopping\n$/m);
    assert.ok(!said.includes('starting the controller'), said);
    assert.equal(code, 0);
  },
);

for (const { at, before } of [
  { at: 'ip netns add culvert-bridge', before: 'starting the controller' },
  { at: 'ip link add culvert0 *', before: 'starting the controller' },
  { at: 'ip netns add culvert-web-1', before: 'web-1 is ready' },
  { at: 'ip -n culvert-web-1 link set *', before: 'web-1 is ready' },
]) {
  it(`Start that is interrupted during "${at}" makes nothing more`, { skip }, async (t) => {
    const { code, ranSince, said } = await interrupted(t, at);
    const [, ...later] = ranSince;
    const removes = /^ip (netns (pids|delete)|(-n \S+ )?link delete) /;
    assert.deepEqual(
      later.filter((line) => !removes.test(line)),
      [],
    );
    assert.match(said, /^stopping$/m);
    assert.ok(!said.includes(before), said);
    assert.equal(code, 0);
  });
}
