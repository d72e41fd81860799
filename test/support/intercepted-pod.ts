/** A pod as it is in a cluster: rules, a real sidecar, an application; and a peer outside the mesh. */
import assert from 'node:assert/strict';
import { nodeFlags } from '../../base/node-flags.ts';
import { layCable, startInside } from './cable.ts';
import { NetworkNamespace } from './network-namespace.ts';
import { parseSamples, sumOf } from './prometheus-text.ts';
import { runInit } from './proxy-init.ts';

const TELLER = 'test/support/address-teller.ts';
/** The user that applications run as. */
export const APPLICATION_UID = 65_534;
const PROXY_UID = 2102;
const ADMIN = '127.0.0.1:4191';

/** Addresses of the pod and its peer. */
export const FAMILIES = [
  { name: 'IPv4', pod: '10.99.0.1', peer: '10.99.0.2', loopback: '127.0.0.1' },
  { name: 'IPv6', pod: 'fd99::1', peer: 'fd99::2', loopback: '::1' },
] as const;

/** "host:port". */
export const at = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** What `withPod` makes. */
export interface Pod {
  readonly pod: NetworkNamespace;
  readonly peer: NetworkNamespace;
  /** What `uid` in the namespace hears on a GET, or how the connection ended. */
  readonly get: (from: 'pod' | 'peer', host: string, port: number, uid?: number) => Promise<string>;
  readonly metric: (name: string, labels: Readonly<Record<string, string>>) => Promise<number>;
  /** A page of the sidecar's admin port. */
  readonly page: (path: string) => Promise<string>;
}

/** A pod with rules, a sidecar and an application, and a peer with none, on one cable. */
export async function withPod(
  options: { readonly flags: readonly string[]; readonly proxyUid?: number },
  run: (pod: Pod) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const pod = stack.use(await NetworkNamespace.create());
  const peer = stack.use(await NetworkNamespace.create());
  await layCable(
    { namespace: pod, link: 'c0', address: '10.99.0.1/24' },
    { namespace: peer, link: 'c0', address: '10.99.0.2/24' },
  );
  for (const [namespace, last] of [
    [pod, 1],
    [peer, 2],
  ] as const) {
    await namespace.execute('ip', 'address', 'add', `fd99::${last}/64`, 'dev', 'c0', 'nodad');
  }
  const node = [process.execPath, TELLER];
  const all = ['0.0.0.0:8080', '[::]:8080'];
  // Two only their own side can reach: the pod's address, and loopback.
  const own = ['10.99.0.1:8081', '[fd99::1]:8081', '127.0.0.1:8082', '[::1]:8082'];
  stack.use(await startInside(pod, APPLICATION_UID, ...node, ...all, ...own));
  stack.use(await startInside(peer, APPLICATION_UID, ...node, ...all));
  const applied = await runInit(pod, ['--ipv6', 'on']);
  assert.equal(applied.code, 0, applied.stderr);
  const sidecar = [process.execPath, ...nodeFlags('proxy/main.ts'), 'base/launch.mjs'];
  const flags = [...options.flags, '--admin', ADMIN];
  const uid = options.proxyUid ?? PROXY_UID;
  const ready = stack.use(await startInside(pod, uid, ...sidecar, 'proxy/main.ts', ...flags));
  assert.match(ready.line, /"event":"ready"/);
  const get: Pod['get'] = async (from, host, port, by = APPLICATION_UID) => {
    const request = 'GET / HTTP/1.1\\r\\nHost: any\\r\\nConnection: close\\r\\n\\r\\n';
    const script = `exec 3<>/dev/tcp/${host}/${port} && printf '${request}' >&3 && cat <&3`;
    const namespace = from === 'pod' ? pod : peer;
    const user = [`--reuid=${by}`, `--regid=${by}`, '--clear-groups'];
    return namespace.execute('setpriv', ...user, 'bash', '-c', `(${script}) 2>&1 || echo failed`);
  };
  const page: Pod['page'] = async (pagePath) => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/4191 && printf 'GET ${pagePath} HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' >&3 && cat <&3`;
    const text = await pod.execute('bash', '-c', script);
    return text.slice(text.indexOf('\r\n\r\n') + 4);
  };
  const metric: Pod['metric'] = async (name, labels) =>
    sumOf(parseSamples(await page('/metrics')), name, labels);
  await run({ pod, peer, get, metric, page });
}

/** Flags of a sidecar with a listener for each family. */
export const APART = FAMILIES.flatMap(({ loopback }) => {
  const every = loopback === '::1' ? '[::]' : '0.0.0.0';
  return ['--intercept-outbound', `${every}:4140`, '--intercept-inbound', `${every}:4143`];
});
