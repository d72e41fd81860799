/** How programs get into the network namespace of their pod. Each step becomes the next one. */
import path from 'node:path';
import type { Program } from '../child.ts';
import { CHECKOUT_VIEW, SIDECAR_UID } from './names.ts';

/**
 * Shows the checkout at a place that every user may enter, and becomes "$@". It may lie where only
 * root may look (/root). `ip netns exec` has given the program mounts of its own: nobody else sees
 * this one.
 */
const VIEW_AND_EXEC = 'mount --rbind "$1" "$2" && cd "$2" && shift 2 && exec "$@"';

const asUser = (uid: number): readonly string[] => [
  ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'],
];

/** An application, as `uid`, or as who started `dev`. */
export function enterAsApplication(
  program: Program,
  networkNamespace: string,
  uid: number | undefined,
): Program {
  const user = uid === undefined ? [] : asUser(uid);
  return {
    ...program,
    argv: ['ip', 'netns', 'exec', networkNamespace, ...user, ...program.argv],
  };
}

/** A sidecar, as its own user, from the checkout `root`. */
export function enterAsSidecar(program: Program, networkNamespace: string, root: string): Program {
  const seen = seenFrom(root);
  const environment = { ...program.environment };
  const cache = environment['NODE_COMPILE_CACHE'];
  if (cache !== undefined) environment['NODE_COMPILE_CACHE'] = seen(cache);
  return {
    ...program,
    environment,
    argv: [
      ...['ip', 'netns', 'exec', networkNamespace],
      ...viewArguments(root),
      ...program.argv.map(seen),
    ],
  };
}

/**
 * Whether a sidecar's user can run what it must: the command tells, by its exit code. `node` is the
 * runtime with its flags.
 */
export function trialCommand(node: readonly string[], root: string): readonly string[] {
  const seen = seenFrom(root);
  const program = [...node, path.join(root, 'base', 'launch.mjs'), 'proxy/main.ts', '--help'];
  return ['unshare', '--mount', ...viewArguments(root), ...program.map(seen)];
}

const viewArguments = (root: string): readonly string[] => [
  ...['sh', '-c', VIEW_AND_EXEC, 'sh', path.resolve(root), CHECKOUT_VIEW],
  ...asUser(SIDECAR_UID),
];

/** A path in the checkout as the sidecar sees it; every other word as it is. */
function seenFrom(root: string): (word: string) => string {
  const own = path.resolve(root);
  return (word) =>
    word === own || word.startsWith(own + path.sep) ? CHECKOUT_VIEW + word.slice(own.length) : word;
}
