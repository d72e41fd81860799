/**
 * Network namespaces of a bench run: one with the servers, and one for each arm with a cable to them.
 * Needs root. The machine itself gets neither a link nor a rule.
 *
 *   arm 0 ── 10.99.0.1 ═══ 10.99.0.2 ──┐
 *   arm 1 ── 10.99.1.1 ═══ 10.99.1.2 ──┼── servers
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { beforeEnd } from './last-acts.ts';
import { missingProgram } from './program.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const RUN_MS = 30_000;
const NETWORK = '10.99';

/** One sentence: why there can be none here; undefined when there can, as far as can be said before. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: network namespaces and iptables.';
  return missingProgram(
    { program: 'ip', debianPackage: 'iproute2' },
    { program: 'iptables', debianPackage: 'iptables' },
  );
}

/** Runs a program to its end; throws with what it wrote when it fails. */
function run(...command: readonly string[]): void {
  const [program = '', ...args] = command;
  const { error, status, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: RUN_MS,
  });
  if (status === 0) return;
  throw new Error(`"${command.join(' ')}" failed: ${error?.message ?? stderr.trim()}`);
}

/** One namespace. */
export interface BenchNamespace {
  /** In front of a command, makes it run inside. */
  readonly prefix: readonly string[];
  /** The address at which it finds the servers. */
  readonly servers: string;
}

/** From construction to `remove`, or to the end of this process. */
export class BenchNamespaces {
  readonly #run = randomBytes(3).toString('hex');
  readonly #names: string[] = [];
  readonly #forget: () => void;
  readonly #servers: string;

  /** Throws when the machine does not let us. */
  constructor() {
    this.#forget = beforeEnd(() => this.#delete());
    this.#servers = this.#make();
  }

  /** The namespace of the servers. */
  get serverPrefix(): readonly string[] {
    return prefixOf(this.#servers);
  }

  /** Another one for an arm, with a cable to the servers. */
  arm(): BenchNamespace {
    const k = this.#names.length - 1;
    const name = this.#make();
    const ends = [name, this.#servers] as const;
    const link = `arm${k}`;
    const peer = ['peer', 'name', link, 'netns', this.#servers];
    run('ip', '-n', name, 'link', 'add', link, 'type', 'veth', ...peer);
    for (const [i, end] of ends.entries()) {
      run('ip', '-n', end, 'address', 'add', `${NETWORK}.${k}.${i + 1}/24`, 'dev', link);
      run('ip', '-n', end, 'link', 'set', link, 'up');
    }
    return { prefix: prefixOf(name), servers: `${NETWORK}.${k}.2` };
  }

  /** Safe to call twice. */
  remove(): void {
    this.#forget();
    this.#delete();
  }

  #make(): string {
    const name = `culvert-bench-${this.#run}-${this.#names.length}`;
    run('ip', 'netns', 'add', name);
    this.#names.push(name);
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  #delete(): void {
    for (const name of this.#names.splice(0)) spawnSync('ip', ['netns', 'delete', name]);
  }
}

const prefixOf = (name: string): readonly string[] => ['ip', 'netns', 'exec', name];

/** Redirects what is opened in the namespace to 4140, as it is for a pod. */
export function applyInterception({ prefix }: BenchNamespace): void {
  run(...prefix, process.execPath, 'base/launch.mjs', 'k8s/init/main.ts', '--ipv6', 'off');
}
