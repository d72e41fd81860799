/** What `meshctl dev --network netns` may leave on a machine, looked for without asking it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { missingNeeds } from '../../cli/dev/netns/needs.ts';
import { thisMachine } from '../../cli/dev/netns/this-machine.ts';

/** Why namespaces cannot be made here, as the `skip` of a test; false when they can. */
export function withoutNamespaces(): string | false {
  const missing = missingNeeds(thisMachine());
  return missing.length > 0 && missing.join(' ');
}

const namesIn = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

/** Namespaces, links, mounts and files of a run, a line each; none when there is no run. */
export function leftovers(): readonly string[] {
  // Other tests have namespaces of their own at the same time.
  const own = (name: string): boolean => /^culvert-(?!test-)/.test(name);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const ownMount = /\/(run|etc)\/(netns\/)?culvert-(?!test-)/;
  return [
    ...namesIn('/run/netns').filter(own),
    ...namesIn('/etc/netns').filter(own),
    ...namesIn('/sys/class/net').filter((name) => name === 'culvert0'),
    ...namesIn('/run').filter((name) => name === 'culvert-netns'),
    ...mounts.filter((line) => ownMount.test(line)),
  ];
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Process ids of the children of `pid`. */
export const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
