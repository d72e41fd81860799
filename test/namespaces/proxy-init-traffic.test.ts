import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { BACKENDS } from '../../k8s/init/nat-table.ts';
import { withDeadline } from '../support/deadline.ts';
import { NetworkNamespace, withoutBackend } from '../support/network-namespace.ts';
import { runInit } from '../support/proxy-init.ts';

const TELLER = path.resolve(import.meta.dirname, '../support/port-teller.ts');
const PORTS = [25, 4140, 4143, 4191, 8080, 9090];
const APPLICATION_UID = 65_534;
const PROXY_UID = 2102;

/** A pod and a peer, each in a namespace, with a cable between; every port of `PORTS` tells its number. */
class Cable implements AsyncDisposable {
  readonly pod: NetworkNamespace;
  readonly peer: NetworkNamespace;
  readonly #stack: AsyncDisposableStack;

  private constructor(pod: NetworkNamespace, peer: NetworkNamespace, stack: AsyncDisposableStack) {
    this.pod = pod;
    this.peer = peer;
    this.#stack = stack;
  }

  static async create(): Promise<Cable> {
    await using stack = new AsyncDisposableStack();
    const pod = stack.use(await NetworkNamespace.create());
    const peer = stack.use(await NetworkNamespace.create());
    await pod.execute(
      'ip',
      'link',
      'add',
      'c0',
      'type',
      'veth',
      'peer',
      'name',
      'c0',
      'netns',
      peer.name,
    );
    const ends = [
      [pod, 1],
      [peer, 2],
    ] as const;
    for (const [namespace, last] of ends) {
      const at = ['dev', 'c0'];
      await namespace.execute('ip', 'address', 'add', `10.99.0.${last}/24`, ...at);
      await namespace.execute('ip', 'address', 'add', `fd99::${last}/64`, ...at, 'nodad');
      await namespace.execute('ip', 'link', 'set', 'c0', 'up');
      stack.defer(await startTeller(namespace));
    }
    return new Cable(pod, peer, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function startTeller(namespace: NetworkNamespace): Promise<() => Promise<void>> {
  const [file = '', ...rest] = [
    ...namespace.prefix,
    process.execPath,
    TELLER,
    ...PORTS.map(String),
  ];
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await withDeadline('the ports', once(createInterface({ input: child.stdout }), 'line'));
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Which port answers when `uid` dials from the namespace. */
async function dial(
  from: NetworkNamespace,
  uid: number,
  host: string,
  port: number,
): Promise<string> {
  const script = `exec 3<>/dev/tcp/${host}/${port} && cat <&3`;
  const user = [`--reuid=${uid}`, '--regid=65534', '--clear-groups'];
  const answer = await from.execute('setpriv', ...user, 'bash', '-c', script);
  return answer.trim();
}

interface Row {
  readonly what: string;
  readonly from: 'pod' | 'peer';
  readonly uid: number;
  readonly to: string;
  readonly port: number;
  /** The port that answers. */
  readonly answers: number;
}

function rowsOf(pod: string, peer: string, loopback: string): readonly Row[] {
  const app = { from: 'pod', uid: APPLICATION_UID } as const;
  const proxy = { from: 'pod', uid: PROXY_UID } as const;
  const other = { from: 'peer', uid: APPLICATION_UID } as const;
  return [
    { what: 'a peer', ...other, to: pod, port: 8080, answers: 4143 },
    { what: 'a peer, admin port', ...other, to: pod, port: 4191, answers: 4191 },
    { what: 'a peer, skipped port', ...other, to: pod, port: 9090, answers: 9090 },
    { what: 'a peer, outbound port', ...other, to: pod, port: 4140, answers: 4143 },
    { what: 'the application', ...app, to: peer, port: 8080, answers: 4140 },
    { what: 'the application, skipped port', ...app, to: peer, port: 25, answers: 25 },
    { what: 'the application, own address', ...app, to: pod, port: 8080, answers: 4140 },
    { what: 'the application, loopback', ...app, to: loopback, port: 8080, answers: 8080 },
    { what: 'the proxy', ...proxy, to: peer, port: 8080, answers: 8080 },
    { what: 'the proxy, own address', ...proxy, to: pod, port: 8080, answers: 8080 },
    { what: 'root', from: 'pod', uid: 0, to: peer, port: 8080, answers: 4140 },
  ];
}

const ROWS = [
  ...rowsOf('10.99.0.1', '10.99.0.2', '127.0.0.1'),
  ...rowsOf('fd99::1', 'fd99::2', '::1'),
];
const FLAGS = ['--skip-inbound-ports', '9090', '--skip-outbound-ports', '25'];

const expected = (answered: (row: Row) => number): readonly string[] =>
  ROWS.map((row) => `${row.what}, ${row.to}:${row.port}: ${answered(row)}`);

for (const backend of BACKENDS) {
  const skip = withoutBackend(backend, 'setpriv');

  it(
    `Real connections reach the sidecar's ports where they should (${backend})`,
    {
      skip,
    },
    async () => {
      await using cable = await Cable.create();
      const answers = async (): Promise<readonly string[]> => {
        const lines: string[] = [];
        for (const { what, from, uid, to, port } of ROWS) {
          lines.push(`${what}, ${to}:${port}: ${await dial(cable[from], uid, to, port)}`);
        }
        return lines;
      };
      const applied = await runInit(cable.pod, [...FLAGS, '--backend', backend]);
      assert.deepEqual([applied.code, applied.stderr], [0, '']);
      assert.deepEqual(
        await answers(),
        expected((row) => row.answers),
      );
      const removed = await runInit(cable.pod, ['--remove']);
      assert.equal(removed.code, 0, removed.stderr);
      assert.deepEqual(
        await answers(),
        expected((row) => row.port),
      );
    },
  );
}
