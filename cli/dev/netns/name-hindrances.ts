/** What on this machine keeps programs of pods from asking the name server of the mesh. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const NSCD_SOCKETS = ['run/nscd/socket', 'var/run/nscd/socket'];

/** A sentence each; none when names resolve. `root` is the file system's. */
export function nameHindrances(root = '/'): readonly string[] {
  const problems: string[] = [];
  // Also where it is a link that leads nowhere.
  if (!existsSync(path.join(root, 'etc/resolv.conf'))) {
    problems.push(
      'names do not resolve in pods: there is no /etc/resolv.conf, or it is a link that leads nowhere, so their own cannot be put in its place; make it a file, even an empty one',
    );
  }
  if (NSCD_SOCKETS.some((socket) => existsSync(path.join(root, socket)))) {
    problems.push(
      'names may not resolve in pods: nscd answers for this whole machine and knows nothing of the mesh; stop it while the mesh runs',
    );
  }
  return problems;
}
