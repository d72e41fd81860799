/** A second tree of this repository at another commit, to run beside this one. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEnd } from '../peers/last-acts.ts';

/** A checkout in a temporary directory; `remove` takes it away again. */
export interface Worktree {
  readonly root: string;
  /** Full hash. */
  readonly commit: string;
  readonly remove: () => void;
}

/** Where the bench keeps its history. */
const RESULTS = 'bench/results';

const git = (root: string, ...args: readonly string[]): string =>
  execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** Full hash of `rev`; undefined when this clone does not have it. */
export function commitOf(root: string, rev: string): string | undefined {
  try {
    return git(root, 'rev-parse', '--verify', '--quiet', `${rev}^{commit}`);
  } catch {
    return undefined;
  }
}

/**
 * The commit that this tree's changes are measured against: where it left `origin/main`. On main
 * itself the last commit before this one that recorded results of the bench, so that many small
 * losses are one large one; the commit before where none did. Undefined in a clone without history.
 */
export function mergeBase(root: string): string | undefined {
  const head = commitOf(root, 'HEAD');
  let base: string | undefined = undefined;
  try {
    base = git(root, 'merge-base', 'HEAD', 'origin/main');
  } catch {
    // No such branch: a clone of a clone, or no remote.
  }
  // Results of the bench are committed, and each run adds some: they change nothing.
  const status = ['status', '--porcelain', '--untracked-files=no', '--', '.', `:!${RESULTS}`];
  const changed = git(root, ...status) !== '';
  if (base !== undefined && (base !== head || changed)) return base;
  if (changed) return head;
  const before = commitOf(root, 'HEAD^');
  if (before === undefined) return undefined;
  const recorded = git(root, 'log', '-1', '--format=%H', before, '--', RESULTS);
  return recorded === '' ? before : recorded;
}

/** Checks `commit` out beside `root`, with the packages of `root` when they are the same. */
export function addWorktree(root: string, commit: string): Worktree {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-base-'));
  const tree = path.join(directory, 'tree');
  const clear = (): void => {
    if (existsSync(tree)) git(root, 'worktree', 'remove', '--force', tree);
    rmSync(directory, { recursive: true, force: true });
  };
  const forget = beforeEnd(clear);
  const remove = (): void => {
    forget();
    clear();
  };
  try {
    git(root, 'worktree', 'prune');
    git(root, 'worktree', 'add', '--detach', '--quiet', tree, commit);
    if (runtimePackages(root) === runtimePackages(tree)) linkPackages(root, tree);
    else {
      execFileSync('npm', ['ci', '--no-progress', '--omit=dev'], {
        cwd: tree,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { root: tree, commit, remove };
}

/** The packages of `root`, each linked: a compile cache beside them is the tree's own. */
function linkPackages(root: string, tree: string): void {
  const [from, to] = [path.join(root, 'node_modules'), path.join(tree, 'node_modules')];
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name !== '.cache') symlinkSync(path.join(from, name), path.join(to, name));
  }
}

/** What a program needs at run time, as one text to compare. */
function runtimePackages(root: string): string {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(path.join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return JSON.stringify([dependencies, optionalDependencies]);
}
