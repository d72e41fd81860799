/** proxy-init as a program in a network namespace, and the tables it leaves. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import type { NetworkNamespace } from './network-namespace.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const RUN_MS = 30_000;

/** How it ended. */
export interface InitEnd {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How it is run. */
export interface InitRun {
  /** In front of the command, inside the namespace: `setpriv …`. */
  readonly prefix?: readonly string[];
  /** Variables beside ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs proxy-init inside; never rejects. */
export function runInit(
  namespace: NetworkNamespace,
  args: readonly string[],
  { prefix = [], env = {} }: InitRun = {},
): Promise<InitEnd> {
  const program = [process.execPath, 'base/launch.mjs', 'k8s/init/main.ts'];
  const [file = '', ...rest] = [...namespace.prefix, ...prefix, ...program, ...args];
  const { promise, resolve } = Promise.withResolvers<InitEnd>();
  const options = { cwd: ROOT, timeout: RUN_MS, env: { ...process.env, ...env } };
  execFile(file, rest, options, (error, stdout, stderr) => {
    const code = error === null ? 0 : error.code;
    resolve({ code: typeof code === 'number' ? code : undefined, stdout, stderr });
  });
  return promise;
}

/** Table nat without rules, as `savedTables` has it. */
export const EMPTY_TABLE = `*nat\n${['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map((chain) => `:${chain} ACCEPT [0:0]\n`).join('')}COMMIT\n`;

/**
 * What iptables-save prints, all tables of both back ends and families, counters too; without the
 * comments, which have the time in them.
 */
export async function savedTables(namespace: NetworkNamespace): Promise<string> {
  const texts: string[] = [];
  for (const backend of ['nft', 'legacy']) {
    for (const name of ['iptables', 'ip6tables']) {
      const text = await namespace.execute(`${name}-${backend}-save`);
      const lines = text.split('\n').filter((line) => !line.startsWith('#'));
      texts.push(`${name}-${backend}`, ...lines);
    }
  }
  return texts.join('\n');
}
