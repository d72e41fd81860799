/** How programs get into the network namespace of their pod. Each step becomes the next one. */
import path from 'node:path';
import type { Program } from '../child.ts';
import { CHECKOUT_VIEW, SIDECAR_CACHE, SIDECAR_UID } from './names.ts';

/**
 * Shows the checkout at a place that every user may enter, and becomes "$@". It may lie where only
 * root may look (/root). In it sidecars have a compile cache of their own: in that of the checkout
 * they may neither read nor write. `ip netns exec` has given the program mounts of its own: nobody
 * else sees these.
 */
const VIEW_AND_EXEC =
  'mount --rbind "$1" "$2" && { [ -z "$4" ] || mount --bind "$3" "$4"; } && cd "$2" && shift 4 && exec "$@"';

const asUser = (uid: number): readonly string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${uid}`,
  '--clear-groups',
  '--no-new-privs',
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
export const enterAsSidecar = (program: Program, networkNamespace: string, root: string): Program =>
  viewed(program, ['ip', 'netns', 'exec', networkNamespace], root);

/** A sidecar as its own user, where the machine itself is: for whether it can run. */
export const enterForTrial = (program: Program, root: string): Program =>
  viewed(program, ['unshare', '--mount'], root);

/** `prefix` gives a program mounts of its own. */
function viewed(program: Program, prefix: readonly string[], root: string): Program {
  const own = path.resolve(root);
  const isOwn = (word: string): boolean => word === own || word.startsWith(own + path.sep);
  /** A path in the checkout as the sidecar sees it; every other word as it is. */
  const seen = (word: string): string =>
    isOwn(word) ? CHECKOUT_VIEW + word.slice(own.length) : word;
  const environment = { ...program.environment };
  // The launcher has set it: none, when the cache is turned off.
  const cache = environment['NODE_COMPILE_CACHE'] ?? '';
  if (cache !== '') environment['NODE_COMPILE_CACHE'] = seen(cache);
  const places = [own, CHECKOUT_VIEW, SIDECAR_CACHE, isOwn(cache) ? seen(cache) : ''];
  const view = ['sh', '-c', VIEW_AND_EXEC, 'sh', ...places];
  const argv = [...prefix, ...view, ...asUser(SIDECAR_UID), ...program.argv.map(seen)];
  return { ...program, environment, argv };
}
