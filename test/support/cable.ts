/** Network namespaces of a test with a cable between two of them. Linux, root. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { withDeadline } from './deadline.ts';
import type { NetworkNamespace } from './network-namespace.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** An end of a cable: an interface of this name with an address, "10.99.0.1/24". */
export interface CableEnd {
  readonly namespace: NetworkNamespace;
  readonly link: string;
  readonly address: string;
}

/** Lays it; it goes with either of its namespaces. */
export async function layCable(one: CableEnd, other: CableEnd): Promise<void> {
  const peer = ['peer', 'name', other.link, 'netns', other.namespace.name];
  await one.namespace.execute('ip', 'link', 'add', one.link, 'type', 'veth', ...peer);
  for (const { address, link, namespace } of [one, other]) {
    await namespace.execute('ip', 'address', 'add', address, 'dev', link);
    await namespace.execute('ip', 'link', 'set', link, 'up');
  }
}

/** A program that runs inside a namespace until it is disposed of. */
export interface InsideProgram extends AsyncDisposable {
  /** The first line it wrote. */
  readonly line: string;
}

/** Starts `command` as the user `uid` from the repository's root; resolves with its first line. */
export async function startInside(
  namespace: NetworkNamespace,
  uid: number,
  ...command: readonly string[]
): Promise<InsideProgram> {
  const user = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const [file = '', ...rest] = [...namespace.prefix, ...user, ...command];
  const child = spawn(file, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  try {
    const first = once(createInterface({ input: child.stdout }), 'line');
    const [line] = await withDeadline(command.join(' '), first);
    return { line: String(line), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
