/** The real sidecar behind real rules: what the kernel redirects goes where it was going. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { nodeFlags } from '../../../base/node-flags.ts';
import { withDeadline } from '../../support/deadline.ts';
import { NetworkNamespace, withoutTables } from '../../support/network-namespace.ts';
import { parseSamples, sumOf } from '../../support/prometheus-text.ts';
import { runInit } from '../../support/proxy-init.ts';

const skip = withoutTables('setpriv');
const ROOT = path.resolve(import.meta.dirname, '../../..');
const TELLER = 'test/support/address-teller.ts';
const APPLICATION_UID = 65_534;
const PROXY_UID = 2102;
const ADMIN = '127.0.0.1:4191';

const FAMILIES = [
  { name: 'IPv4', pod: '10.99.0.1', peer: '10.99.0.2', loopback: '127.0.0.1' },
  { name: 'IPv6', pod: 'fd99::1', peer: 'fd99::2', loopback: '::1' },
] as const;

const at = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** The command as `uid` inside the namespace. */
const inside = (
  namespace: NetworkNamespace,
  uid: number,
  ...command: readonly string[]
): readonly string[] => [
  ...namespace.prefix,
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${uid}`,
  '--clear-groups',
  ...command,
];

/** Runs until the test is over; resolves with its first line. */
async function start(
  command: readonly string[],
): Promise<{ readonly line: string; readonly stop: () => Promise<void> }> {
  const [file = '', ...rest] = command;
  const child: ChildProcess = spawn(file, rest, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    const lines = createInterface({ input: child.stdout! });
    const [line] = await withDeadline(command.join(' '), once(lines, 'line'));
    return { line: String(line), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Pod {
  readonly pod: NetworkNamespace;
  readonly peer: NetworkNamespace;
  /** What `uid` in the namespace hears on a GET, or how the connection ended. */
  readonly get: (from: 'pod' | 'peer', host: string, port: number, uid?: number) => Promise<string>;
  readonly metric: (name: string, labels: Readonly<Record<string, string>>) => Promise<number>;
}

/** A pod with rules, a sidecar and an application, and a peer with none, on one cable. */
async function withPod(
  options: { readonly flags: readonly string[]; readonly proxyUid?: number },
  run: (pod: Pod) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const pod = stack.use(await NetworkNamespace.create());
  const peer = stack.use(await NetworkNamespace.create());
  const cable = ['link', 'add', 'c0', 'type', 'veth', 'peer', 'name', 'c0', 'netns', peer.name];
  await pod.execute('ip', ...cable);
  for (const [namespace, last] of [
    [pod, 1],
    [peer, 2],
  ] as const) {
    await namespace.execute('ip', 'address', 'add', `10.99.0.${last}/24`, 'dev', 'c0');
    await namespace.execute('ip', 'address', 'add', `fd99::${last}/64`, 'dev', 'c0', 'nodad');
    await namespace.execute('ip', 'link', 'set', 'c0', 'up');
  }
  const node = [process.execPath, TELLER];
  const all = ['0.0.0.0:8080', '[::]:8080'];
  // Two only their own side can reach: the pod's address, and loopback.
  const own = ['10.99.0.1:8081', '[fd99::1]:8081', '127.0.0.1:8082', '[::1]:8082'];
  stack.defer((await start(inside(pod, APPLICATION_UID, ...node, ...all, ...own))).stop);
  stack.defer((await start(inside(peer, APPLICATION_UID, ...node, ...all))).stop);
  const applied = await runInit(pod, ['--ipv6', 'on']);
  assert.equal(applied.code, 0, applied.stderr);
  const sidecar = [process.execPath, ...nodeFlags('proxy/main.ts'), 'base/launch.mjs'];
  const flags = [...options.flags, '--admin', ADMIN];
  const uid = options.proxyUid ?? PROXY_UID;
  const ready = await start(inside(pod, uid, ...sidecar, 'proxy/main.ts', ...flags));
  stack.defer(ready.stop);
  assert.match(ready.line, /"event":"ready"/);
  const get: Pod['get'] = async (from, host, port, by = APPLICATION_UID) => {
    const request = 'GET / HTTP/1.1\\r\\nHost: any\\r\\nConnection: close\\r\\n\\r\\n';
    const script = `exec 3<>/dev/tcp/${host}/${port} && printf '${request}' >&3 && cat <&3`;
    const namespace = from === 'pod' ? pod : peer;
    const user = [`--reuid=${by}`, `--regid=${by}`, '--clear-groups'];
    return namespace.execute('setpriv', ...user, 'bash', '-c', `(${script}) 2>&1 || echo failed`);
  };
  const metric: Pod['metric'] = async (name, labels) => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/4191 && printf 'GET /metrics HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3`;
    const text = await pod.execute('bash', '-c', script);
    return sumOf(parseSamples(text.slice(text.indexOf('\r\n\r\n') + 4)), name, labels);
  };
  await run({ pod, peer, get, metric });
}

const APART = FAMILIES.flatMap(({ loopback }) => {
  const every = loopback === '::1' ? '[::]' : '0.0.0.0';
  return ['--intercept-outbound', `${every}:4140`, '--intercept-inbound', `${every}:4143`];
});
const TOGETHER = ['--intercept-outbound', '[::]:4140', '--intercept-inbound', '[::]:4143'];

for (const [name, flags] of [
  ['a listener for each family', APART],
  ['one listener for both families', TOGETHER],
  ['two data threads', [...APART, '--threads', '2']],
] as const) {
  it(
    `A sidecar with ${name} carries what the kernel redirects to where it was going`,
    {
      skip,
    },
    async () => {
      await withPod({ flags }, async ({ get, metric }) => {
        for (const { pod, peer, loopback } of FAMILIES) {
          const outbound = await get('pod', peer, 8080);
          assert.ok(outbound.endsWith(`reached ${peer} 8080 from ${pod}`), outbound);
          const inbound = await get('peer', pod, 8080);
          assert.ok(inbound.endsWith(`reached ${pod} 8080 from ${pod}`), inbound);
          const bound = await get('peer', pod, 8081);
          assert.ok(bound.endsWith(`reached ${pod} 8081 from ${pod}`), bound);
          assert.match(await get('peer', pod, 8082), /^HTTP\/1.1 502 /, 'loopback is its own');
          const hairpin = await get('pod', pod, 8080);
          assert.ok(hairpin.endsWith(`reached ${pod} 8080 from ${pod}`), hairpin);
          const direct = await get('pod', loopback, 8082);
          assert.ok(direct.endsWith(`reached ${loopback} 8082 from ${loopback}`), direct);
          assert.match(await get('pod', loopback, 4140), /^HTTP\/1.1 508 /, at(loopback, 4140));
          assert.match(await get('peer', pod, 4143), /^HTTP\/1.1 508 /, at(pod, 4143));
          // Nobody listens there: nothing is answered, and the connection is cut.
          const refused = await get('pod', peer, 9);
          assert.doesNotMatch(refused, /HTTP/);
          assert.match(refused, /reset by peer|failed/);
        }
        assert.equal(
          await metric('request_total', { direction: 'outbound', authority: 'unknown' }),
          6,
        );
        const failed = { direction: 'outbound', error: 'outside-failed' };
        assert.equal(await metric('proxy_errors_total', failed), 2);
      });
    },
  );
}

it(
  'A sidecar that is not the user whom the rules exempt answers 508 and goes on',
  {
    skip,
  },
  async () => {
    await withPod({ flags: APART, proxyUid: 2103 }, async ({ get, metric }) => {
      for (const { peer } of FAMILIES) {
        assert.match(await get('pod', peer, 8080), /^HTTP\/1.1 508 /);
      }
      assert.equal(await metric('proxy_errors_total', { error: 'proxy-loop' }), 2);
    });
  },
);
