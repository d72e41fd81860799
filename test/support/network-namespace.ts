/** A network namespace that is a test's own: real tables, nothing of the machine's. Linux, root. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { missingNeeds } from '../../cli/dev/netns/needs.ts';
import { thisMachine } from '../../cli/dev/netns/this-machine.ts';
import { BACKENDS } from '../../k8s/init/nat-table.ts';
import type { Backend } from '../../k8s/init/nat-table.ts';
import { findSystemProgram, systemRunner } from '../../k8s/init/runner.ts';
import type { Runner } from '../../k8s/init/runner.ts';

const run = promisify(execFile);
const RUN_MS = 10_000;

/** Programs that only some tests use, and the Debian packages they come in. */
const PACKAGES = { nft: 'nftables', python3: 'python3', setpriv: 'util-linux' } as const;

type Program = keyof typeof PACKAGES;

/** A reason to skip a test with real tables; false when a back end works here and all else is there. */
export function withoutTables(...programs: readonly Program[]): string | false {
  const reasons = BACKENDS.map((backend) => withoutBackend(backend, ...programs));
  return reasons.includes(false) ? false : reasons.join(' ');
}

/** As `withoutTables`, for a test of this back end. */
export function withoutBackend(backend: Backend, ...programs: readonly Program[]): string | false {
  const lacking = missingNeeds(thisMachine());
  if (lacking.length > 0) return lacking.join(' ');
  const missing = programs.find((program) => findSystemProgram(program) === undefined);
  if (missing !== undefined) {
    return `${missing} is not installed: apt-get install ${PACKAGES[missing]}.`;
  }
  return withoutTable(backend);
}

const tried = new Map<Backend, string | false>();

/** Why table nat cannot be had by this back end, in both families; tried once a process. */
function withoutTable(backend: Backend): string | false {
  const known = tried.get(backend);
  if (known !== undefined) return known;
  const reason = ['iptables', 'ip6tables'].map((name) => tryTable(`${name}-${backend}`));
  const found = reason.find((each) => each !== false) ?? false;
  tried.set(backend, found);
  return found;
}

/** In a namespace of its own: asking a legacy table makes it. */
function tryTable(name: string): string | false {
  const program = findSystemProgram(name);
  if (program === undefined) return `${name} is not installed: apt-get install iptables.`;
  const args = ['--net', program, '-t', 'nat', '-S'];
  const { status, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: RUN_MS });
  return status !== 0 && `${name} has no table nat here: ${stderr.trim().replaceAll('\n', ' ')}`;
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
