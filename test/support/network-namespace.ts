/** A network namespace that is a test's own: real tables, nothing of the machine's. Linux, root. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { findSystemProgram, systemRunner } from '../../k8s/init/runner.ts';
import type { Runner } from '../../k8s/init/runner.ts';

const run = promisify(execFile);
const RUN_MS = 10_000;

/** Programs of a test, and the Debian packages they come in. */
const PACKAGES = {
  ip: 'iproute2',
  'iptables-nft-restore': 'iptables',
  'iptables-legacy-restore': 'iptables',
  nft: 'nftables',
  setpriv: 'util-linux',
} as const;

/** A reason to skip a test with real tables; false when all is there. */
export function withoutTables(...programs: readonly (keyof typeof PACKAGES)[]): string | false {
  if (process.platform !== 'linux') return 'needs Linux.';
  if (process.getuid?.() !== 0) return 'needs root: network namespaces and iptables.';
  const wanted = ['ip', 'iptables-nft-restore', 'iptables-legacy-restore', ...programs] as const;
  const missing = wanted.find((program) => findSystemProgram(program) === undefined);
  return missing === undefined
    ? false
    : `${missing} is not installed: apt-get install ${PACKAGES[missing]}.`;
}

/** Use with `await using`. */
export class NetworkNamespace implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes one, with `lo` up. */
  static async create(): Promise<NetworkNamespace> {
    const name = `culvert-test-${randomBytes(4).toString('hex')}`;
    await run('ip', ['netns', 'add', name], { timeout: RUN_MS });
    const namespace = new NetworkNamespace(name);
    try {
      await namespace.execute('ip', 'link', 'set', 'lo', 'up');
      return namespace;
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** In front of a command, makes it run inside. */
  get prefix(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs the programs of proxy-init inside. */
  get runner(): Runner {
    return systemRunner(this.prefix);
  }

  /** Runs a program inside; resolves to its output, rejects when it fails. */
  async execute(program: string, ...args: readonly string[]): Promise<string> {
    const [file = '', ...rest] = [...this.prefix, program, ...args];
    return (await run(file, rest, { timeout: RUN_MS })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('ip', ['netns', 'delete', this.name], { timeout: RUN_MS });
  }
}
