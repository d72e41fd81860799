/** How the network of namespaces ends: by a second run, by SIGKILL, and when its guardian is gone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findSystemProgram } from '../../k8s/init/runner.ts';
import { withDeadline } from '../support/deadline.ts';
import {
  childrenOf,
  isAlive,
  leftovers,
  NETNS,
  pidsOf,
  startDemo,
  statusIn,
  untilNothingIsLeft,
  withoutNamespaces,
} from '../support/namespaces.ts';

const skip = withoutNamespaces();

const FREE = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
  flag,
  '127.0.0.1:0',
]);

it('Network of namespaces: a second run is refused, and the first goes on', { skip }, async () => {
  await using dev = await startDemo();
  for (const more of [FREE, ['--clean']]) {
    const second = await dev.meshctl('dev', ...NETNS, ...more);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another "meshctl dev --network netns" runs on this machine/);
  }
  assert.equal(await statusIn('caller-1', 'http://web/'), '200');
  assert.equal(await dev.end(), 0);
});

it(
  'Network of namespaces: a killed run leaves nothing behind, and the next one waits for that',
  { skip },
  async () => {
    await using dev = await startDemo();
    const pids = pidsOf(dev);
    dev.process.kill('SIGKILL');
    await once(dev.process, 'exit');
    // The next start waits for what the guardian of this one does.
    await using next = await startDemo();
    assert.equal(pids.some(isAlive), false);
    assert.equal(await statusIn('caller-1', 'http://web/'), '200');
    assert.equal(await next.end(), 0);
    await untilNothingIsLeft(pidsOf(next));
  },
);

it(
  'Network of namespaces: what is left when the guardian is killed too is removed when asked',
  { skip },
  async () => {
    await using dev = await startDemo();
    const pid = dev.process.pid ?? 0;
    const guardian = childrenOf(pid).find((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('guardian.sh'),
    );
    assert.ok(guardian !== undefined);
    // Stopped, so that it cannot end anything once the guardian is gone.
    dev.process.kill('SIGSTOP');
    process.kill(guardian, 'SIGKILL');
    dev.process.kill('SIGKILL');
    await once(dev.process, 'exit');
    assert.notDeepEqual(leftovers(), []);
    const { controller, pods } = dev.ready;
    // It is not in a namespace: nobody would know it for a part of the mesh.
    process.kill(controller.pid, 'SIGKILL');
    const { code, stderr, stdout } = await dev.meshctl('dev', ...NETNS, '--clean');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /nothing of .* is left/);
    await untilNothingIsLeft(pods.flatMap((pod) => [pod.applicationPid, pod.sidecarPid]));
  },
);

const LAUNCHER = fileURLToPath(new URL('../../base/launch.mjs', import.meta.url));
const EXIT_MS = 30_000;

const ONE_POD = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ command: [sleep, '1000'], ports: [{ containerPort: 7080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 7080 }] }
`;

/**
 * Stands in for `ip`: kills who started it when its arguments are like $KILL_AT. Then it does what it
 * was asked all the same, but late: when everything has been taken away, unless it is ended first.
 */
const deadlyIp = (ip: string): string => `#!/bin/sh
case "$*" in
  $KILL_AT)
    echo $$ >"$KILLER"
    kill -KILL $PPID
    tries=0
    while [ -e /run/culvert-netns ] && [ $tries -lt 100 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
    ;;
esac
exec "${ip}" "$@"
`;

for (const point of [
  'netns add culvert-bridge',
  'link add culvert0 *',
  '-n culvert-bridge link set host0 *',
  'netns add culvert-web-1',
  '-n culvert-bridge link add v*',
  'netns exec culvert-web-1 *-restore*',
]) {
  it(
    `Network of namespaces: killed during "ip ${point}" it leaves nothing`,
    { skip },
    async (t) => {
      const directory = mkdtempSync(path.join(tmpdir(), 'culvert-test-'));
      t.after(() => rmSync(directory, { recursive: true }));
      const killer = path.join(directory, 'killer');
      const manifest = path.join(directory, 'pod.yaml');
      writeFileSync(manifest, ONE_POD);
      const ip = findSystemProgram('ip') ?? '';
      writeFileSync(path.join(directory, 'ip'), deadlyIp(ip), { mode: 0o755 });
      const dev = spawn(
        process.execPath,
        [LAUNCHER, 'cli/main.ts', 'dev', ...NETNS, ...FREE, '-f', manifest],
        {
          env: {
            ...process.env,
            PATH: `${directory}${path.delimiter}${process.env['PATH']}`,
            KILL_AT: point,
            KILLER: killer,
          },
          stdio: 'ignore',
        },
      );
      t.after(() => dev.kill('SIGKILL'));
      const exited = once(dev, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
      assert.deepEqual(await withDeadline('it to be killed', exited, EXIT_MS), [null, 'SIGKILL']);
      await untilNothingIsLeft([Number(readFileSync(killer, 'utf8'))]);
    },
  );
}
