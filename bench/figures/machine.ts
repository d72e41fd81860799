/** On what a run was made: this machine, this tree, these programs. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import type { Conditions } from '../model.ts';
import type { Peer } from '../peers/peer.ts';
import { versionOf } from '../peers/program.ts';

/** What the caller decides. */
export interface RunChoices {
  /** Root of the tree that is measured. */
  readonly root: string;
  readonly seed: number;
  readonly peers: readonly Peer[];
  readonly proxyCore: number;
  readonly loadCore: number;
}

/** The conditions of a run that begins now. */
export function conditionsOf(choices: RunChoices): Conditions {
  const { loadCore, peers, proxyCore, root, seed } = choices;
  const cores = os.cpus();
  return {
    startedAt: new Date().toISOString(),
    commit: commitName(root),
    seed,
    cpuModel: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryMb: Math.round(os.totalmem() / 2 ** 20),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    versions: versionsOf(peers),
    proxyCore,
    loadCore,
  };
}

function versionsOf(peers: readonly Peer[]): Readonly<Record<string, string>> {
  const versions: Record<string, string> = { node: process.versions.node };
  versions['backend (nginx)'] = versionOf('nginx', '-v');
  for (const peer of peers) {
    const version = peer.version();
    if (version !== '') versions[peer.name] = version;
  }
  return versions;
}

/** Hash of the tree's commit, with "+" when tracked files differ; "unknown" without git. */
export function commitName(root: string): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const hash = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? hash : `${hash}+`;
  } catch {
    return 'unknown';
  }
}
